# SPDX-License-Identifier: Apache-2.0
"""testkeys.py - Ed25519 (RFC 8032), P-256 (RFC 6979, ECDH), AES and HKDF for the test vectors

Written for clarity, not for secrets: nothing here takes constant time. The two private keys are
SHA-256 of a published text; never trust them.
"""
import base64
import hashlib
import hmac

# ---- Ed25519 ----

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
GY = 4 * pow(5, -1, P) % P


def _recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if x & 1 == sign else P - x


BASE = (_recover_x(GY, 0), GY)


def _ed_add(a, b):
    t = D * a[0] * b[0] * a[1] * b[1] % P
    return ((a[0] * b[1] + a[1] * b[0]) * pow(1 + t, -1, P) % P,
            (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P)


def _ed_mul(n, point):
    result = (0, 1)
    while n:
        if n & 1:
            result = _ed_add(result, point)
        point = _ed_add(point, point)
        n >>= 1
    return result


def _ed_bytes(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, 'little')


def _ed_number(data):
    return int.from_bytes(hashlib.sha512(data).digest(), 'little')


class Ed25519:
    spki = bytes.fromhex('302a300506032b6570032100')

    def __init__(self, text):
        seed = hashlib.sha256(text).digest()
        h = hashlib.sha512(seed).digest()
        self.a = int.from_bytes(h[:32], 'little') & ~7 & (1 << 254) - 1 | 1 << 254
        self.prefix = h[32:]
        self.public = _ed_bytes(_ed_mul(self.a, BASE))

    def sign(self, message):
        r = _ed_number(self.prefix + message) % L
        big_r = _ed_bytes(_ed_mul(r, BASE))
        k = _ed_number(big_r + self.public + message) % L
        return big_r + ((r + k * self.a) % L).to_bytes(32, 'little')


# ---- ECDSA P-256 ----

Q = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def _ec_add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % Q == 0:
            return None
        slope = 3 * (a[0] * a[0] - 1) * pow(2 * a[1], -1, Q)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, Q)
    x = (slope * slope - a[0] - b[0]) % Q
    return x, (slope * (a[0] - x) - a[1]) % Q


def _ec_mul(n, point):
    result = None
    while n:
        if n & 1:
            result = _ec_add(result, point)
        point = _ec_add(point, point)
        n >>= 1
    return result


class P256:
    spki = bytes.fromhex('3059301306072a8648ce3d020106082a8648ce3d03010703420004')

    def __init__(self, text):
        self.d = int.from_bytes(hashlib.sha256(text).digest(), 'big') % (N - 1) + 1
        x, y = _ec_mul(self.d, G)
        self.public = x.to_bytes(32, 'big') + y.to_bytes(32, 'big')

    def _nonces(self, h):
        """RFC 6979, 3.2"""
        seed = self.d.to_bytes(32, 'big') + (int.from_bytes(h, 'big') % N).to_bytes(32, 'big')
        v, k = b'\x01' * 32, b'\x00' * 32

        def mac(data):
            return hmac.new(k, data, hashlib.sha256).digest()

        k = mac(v + b'\x00' + seed)
        v = mac(v)
        k = mac(v + b'\x01' + seed)
        v = mac(v)
        while True:
            v = mac(v)
            yield int.from_bytes(v, 'big')
            k = mac(v + b'\x00')
            v = mac(v)

    def shared(self, public):
        """x of the product of this private key and that public one, 32 bytes."""
        point = int.from_bytes(public[:32], 'big'), int.from_bytes(public[32:], 'big')
        return _ec_mul(self.d, point)[0].to_bytes(32, 'big')

    def sign(self, message):
        h = hashlib.sha256(message).digest()
        for nonce in self._nonces(h):
            if not 0 < nonce < N:
                continue
            r = _ec_mul(nonce, G)[0] % N
            s = pow(nonce, -1, N) * (int.from_bytes(h, 'big') + r * self.d) % N
            if r and s:
                return r.to_bytes(32, 'big') + s.to_bytes(32, 'big')
        raise AssertionError


def spki_of(key):
    return key.spki + key.public


def key_id(key):
    return hashlib.sha256(spki_of(key)).digest()[:8]


def pem(key):
    text = base64.b64encode(spki_of(key)).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return '-----BEGIN PUBLIC KEY-----\n' + '\n'.join(lines) + '\n-----END PUBLIC KEY-----\n'


def private_pem(key):
    """PKCS#8 of a P-256 key."""
    inner = bytes.fromhex('02010104') + b'\x20' + key.d.to_bytes(32, 'big')
    inner += bytes.fromhex('a144034200') + b'\x04' + key.public
    inner = b'\x30' + bytes([len(inner)]) + inner
    head = bytes.fromhex('020100301306072a8648ce3d020106082a8648ce3d030107')
    body = head + b'\x04' + bytes([len(inner)]) + inner
    body = b'\x30\x81' + bytes([len(body)]) + body
    text = base64.b64encode(body).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return '-----BEGIN PRIVATE KEY-----\n' + '\n'.join(lines) + '\n-----END PRIVATE KEY-----\n'


# ---- AES (FIPS 197) in counter mode, HKDF-SHA256 ----

def _gf_mul(a, b):
    result = 0
    while b:
        if b & 1:
            result ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return result


def _sbox():
    table = []
    for x in range(256):
        inverse = next((y for y in range(256) if _gf_mul(x, y) == 1), 0)
        bits = inverse
        for turn in range(1, 5):
            bits ^= (inverse << turn | inverse >> 8 - turn) & 255
        table.append(bits ^ 0x63)
    return table


SBOX = _sbox()


def _aes_keys(key):
    words = [key[i:i + 4] for i in range(0, len(key), 4)]
    n, rcon = len(words), 1
    while len(words) < 4 * (n + 7):
        w = words[-1]
        if len(words) % n == 0:
            w = bytes(SBOX[b] for b in w[1:] + w[:1])
            w = bytes([w[0] ^ rcon]) + w[1:]
            rcon = _gf_mul(rcon, 2)
        elif n == 8 and len(words) % n == 4:
            w = bytes(SBOX[b] for b in w)
        words.append(bytes(a ^ b for a, b in zip(w, words[-n])))
    flat = b''.join(words)
    return [flat[i:i + 16] for i in range(0, len(flat), 16)]


def _aes_block(keys, block):
    s = bytes(a ^ b for a, b in zip(block, keys[0]))
    for turn, key in enumerate(keys[1:], 1):
        s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if turn < len(keys) - 1:
            mixed = []
            for c in range(0, 16, 4):
                for r in range(4):
                    a, b, d, e = (s[c + (r + k) % 4] for k in range(4))
                    mixed.append(_gf_mul(a, 2) ^ _gf_mul(b, 3) ^ d ^ e)
            s = mixed
        s = bytes(a ^ b for a, b in zip(s, key))
    return s


def aes_ctr(key, data, counter=0):
    keys, out = _aes_keys(key), bytearray()
    for i in range(0, len(data), 16):
        stream = _aes_block(keys, (counter + i // 16).to_bytes(16, 'big'))
        out += bytes(a ^ b for a, b in zip(data[i:i + 16], stream))
    return bytes(out)


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(salt, key, info, size):
    prk, out, block = mac(salt or bytes(32), key), b'', b''
    while len(out) < size:
        block = mac(prk, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:size]
