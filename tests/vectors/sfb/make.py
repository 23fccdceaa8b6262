#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the images beside it, without any code of stmota: layouts as ST's header file has them, with
the `cryptography` package. Only needed when a case is added; key and program stay."""
import hashlib
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

os.chdir(os.path.dirname(os.path.abspath(__file__)))
key = serialization.load_pem_private_key(open("p256.pem", "rb").read(), None)
aes = bytes(range(0x40, 0x50))
open("aes.key", "wb").write(aes)
program = struct.pack("<4I", 0x20001000, 0x08010401, 0x08010401, 0x08010401).ljust(0x200, b"\0")
program = (program + b"\xfe\xe7").ljust(0x400, b"\x5a")
open("program.bin", "wb").write(program)


def signature(data):
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def fixed(slot, version, size, offset=0, part=None):
    return b"SFU%d" % slot + struct.pack("<HHIII", 1, version, size, offset, size if part is None else part)


def write(name, head, body, place, state=b"\xff" * 96):
    assert len(head) == 192
    head += state + b"\0" * 32
    open(name, "wb").write(head.ljust(place, b"\xff") + body)


def clear(name, slot=1, version=3, place=512, **more):
    digest = hashlib.sha256(program).digest()
    h = fixed(slot, version, len(program)) + 2 * digest + b"\0" * 44
    write(name, h + signature(h), program, place, **more)


def cbc(name, place=1024):
    iv = bytes(range(16))
    e = Cipher(algorithms.AES(aes), modes.CBC(iv)).encryptor()
    h = fixed(2, 700, len(program)) + 2 * hashlib.sha256(program).digest() + iv + b"\0" * 28
    write(name, h + signature(h), e.update(program) + e.finalize(), place)


def gcm(name, place=2048):
    nonce = bytes(range(0x60, 0x6c))
    sealed = AESGCM(aes).encrypt(nonce, program, None)
    h = fixed(3, 65535, len(program)) + 2 * sealed[-16:] + nonce + b"\0" * 112
    write(name, h + AESGCM(aes).encrypt(nonce, b"", h), sealed[:-16], place)


def partial(name):
    part = program[256:512]
    h = fixed(1, 4, len(program), 256, len(part)) + hashlib.sha256(program).digest()
    h += hashlib.sha256(part).digest() + b"\0" * 44
    write(name, h + signature(h), part, 512)


clear("ecdsa.sfb")
clear("ecdsa-valid.sfb", state=b"\xff" * 32 + b"\0" * 64)
cbc("ecdsa-aes-cbc.sfb")
gcm("aes-gcm.sfb")
partial("partial.sfb")
