#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_vectors.py [FOLDER] - writes the test vectors of the package format

Follows SPEC.md with no line of the C code, so that the vectors check the specification too. The
same script writes the same bytes everywhere. Without FOLDER: beside this script. With --check
FOLDER nothing is written; it fails if a file there differs.
"""
import hashlib
import pathlib
import struct
import sys
import uuid

from testkeys import (Ed25519, P256, aes_ctr, hkdf, key_id, mac, pem, private_pem)

ED = Ed25519(b'stmota test key, ed25519: never trust it')
EC = P256(b'stmota test key, p256: never trust it')
DEVICE = P256(b'stmota test key, device: never trust it')
OTHER_DEVICE = P256(b'stmota test key, another device')
EPHEMERAL = P256(b'stmota test key, ephemeral')
PRODUCT_KEY = {16: hashlib.sha256(b'stmota test key, product').digest()[:16],
               32: hashlib.sha256(b'stmota test key, product, 256').digest()}
STRANGER = Ed25519(b'stmota test key, stranger')

MAGIC = b'\x89SOTA\r\n\x1a'
PRODUCT = 'acme.com/streetlight'
APP, SECOND, CONFIG, RAM_INIT, RAM_CODE, OPAQUE = range(1, 7)


def product_uuid(name):
    vendor, _, rest = name.partition('/')
    return uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, vendor), rest).bytes


def sha(data):
    return hashlib.sha256(data).digest()


def version(major=1, minor=2, revision=3, build=4):
    return struct.pack('<BBHI', major, minor, revision, build)


def noise(n, seed=1):
    out = b''
    while len(out) < n:
        out += sha(struct.pack('<II', seed, len(out)))
    return out[:n]


def app_info(product=PRODUCT, vers=version(), counter=7, hw=(0, 0xFFFF), chip=0x413):
    body = b'\xa5imfinfo' + struct.pack('<II', 0x40, counter) + vers + product_uuid(product)
    body += struct.pack('<HHHH', hw[0], hw[1], chip, 0) + bytes(12)
    words = struct.unpack('<15I', body)
    total = sum((2 * i + 1) * w for i, w in enumerate(words))
    return body + struct.pack('<I', ~total & 0xFFFFFFFF)


class Component:
    def __init__(self, data=None, kind=APP, addr=0x08000000, **fields):
        self.data = noise(300) if data is None else data
        self.kind, self.addr = kind, addr
        self.encoding = self.slot = self.entry = self.app_info = self.zero6 = self.zero28 = 0
        self.stored_size = self.plain_size = len(self.data)
        self.plain_digest = self.stored_digest = sha(self.data)
        vars(self).update(fields)

    def entry_bytes(self):
        return struct.pack('<HHHHIIIIII', self.kind, self.encoding, self.slot, self.zero6, self.addr,
                           self.entry, self.app_info, self.stored_size, self.plain_size,
                           self.zero28) + self.plain_digest + self.stored_digest


def tlv(kind, value, pad=b'\0'):
    return struct.pack('<HH', kind, len(value)) + value + pad * (-len(value) % 4)


NAME = tlv(1, PRODUCT.encode())


def component_name(component, name):
    return tlv(7, struct.pack('<H', component) + name)


def segments(component, pairs, zero=0):
    return tlv(0x8001, struct.pack('<HH', component, zero) +
               b''.join(struct.pack('<II', *p) for p in pairs))


def manifest(components=None, tlvs=NAME, **h):
    components = components or [Component()]
    table = b''.join(c.entry_bytes() for c in components)
    f = {'magic': MAGIC, 'format': 0, 'n': len(components),
         'size': 128 + len(table) + len(tlvs),
         'payload': sum(c.stored_size for c in components), 'counter': 7, 'version': version(),
         'min': bytes(8), 'product': product_uuid(PRODUCT), 'hw': (0, 0xFFFF), 'chip': 0x413,
         'encodings': 0, 'load': components[0].addr, 'plain': components[0].plain_size, 'ram': 0,
         'zero76': 0, 'base': bytes(16), 'zero96': bytes(32)}
    f.update(h)
    head = f['magic'] + struct.pack('<HHIII', f['format'], f['n'], f['size'], f['payload'],
                                    f['counter'])
    head += f['version'] + f['min'] + f['product']
    head += struct.pack('<HHHHIIII', *f['hw'], f['chip'], f['encodings'], f['load'], f['plain'],
                        f['ram'], f['zero76']) + f['base'] + f['zero96']
    assert len(head) == 128
    return head + table + tlvs


def message(m):
    return b'stmota-package-v1\0' + sha(m)


def record(key, signature, zero=0):
    ident = key if isinstance(key, bytes) else key_id(key)
    return ident + struct.pack('<HH', len(signature), zero) + signature


def signed(m, *keys):
    return b''.join(record(k, k.sign(message(m))) for k in keys)


def assemble(m, records, payload, wraps=0):
    return m + struct.pack('<II', len(records), wraps) + records + payload


def empty_manifest():
    """A header that announces no component and has none."""
    full = manifest()
    return full[:10] + struct.pack('<HII', 0, 128, 0) + full[20:128]


EMPTY = empty_manifest()


def package(components=None, tlvs=NAME, keys=(ED,), records=None, **h):
    components = components or [Component()]
    m = manifest(components, tlvs, **h)
    if records is None:
        records = signed(m, *keys)
    return assemble(m, records, b''.join(c.data for c in components))


VECTORS = []


def vector(name, device, host, text, data):
    VECTORS.append((name, device, host, text, data))


def good():
    plain = manifest()
    payload = Component().data
    for name, keys, text in (('ed25519', (ED,), 'one Ed25519 signature'),
                             ('p256', (EC,), 'one ECDSA P-256 signature'),
                             ('both', (ED, EC), 'two signatures'),
                             ('stranger', (STRANGER, EC), 'an unknown key signed too')):
        vector('good-' + name, 'ok', 'ok', text, package(keys=keys))
    vector('good-long-signature', 'ok', 'ok', 'a signature of another length stands before ours',
           assemble(plain, record(b'\x11' * 8, noise(96)) + signed(plain, ED), payload))
    vector('good-wrong-beside-right', 'ok', 'ok', 'one wrong signature, one right: one is enough',
           assemble(plain, record(ED, bytes(64)) + signed(plain, EC), payload))
    vector('good-unknown-tlv', 'ok', 'ok', 'an unknown TLV that is not critical is skipped',
           package(tlvs=NAME + tlv(0x7001, b'hello')))
    vector('good-no-name', 'ok', 'ok', 'the product name may be missing', package(tlvs=b''))
    pairs = [(0x08000000, 100), (0x08000065, 1), (0x08004000, 199)]
    vector('good-holes', 'ok', 'ok', 'three segments, holes of 1 byte and of 16 KiB',
           package(tlvs=NAME + segments(0, pairs)))
    info = noise(128) + app_info() + noise(20)
    vector('good-app-info', 'ok', 'ok', 'the record of the firmware at offset 128',
           package([Component(info, app_info=128)]))
    parts = [Component(entry=0x08000081), Component(noise(40, 2), CONFIG, 0x0800F000),
             Component(noise(21, 3), RAM_INIT, 0x20000000),
             Component(noise(64, 4), RAM_CODE, 0x20000100, entry=0x20000101),
             Component(noise(33, 5), OPAQUE, 0, slot=2), Component(noise(50, 6), SECOND, 0x08010000)]
    names = component_name(4, b'radio')
    vector('good-six', 'ok', 'ok', 'one component of each kind', package(parts, NAME + names))
    names = b''.join(component_name(i, n) for i, n in enumerate(
        (b'app', b'settings', b'counters', b'helper', b'a' * 31, b'x-1.2_3')))
    vector('good-names', 'ok', 'ok', 'a name for each component', package(parts, NAME + names))
    texts = [tlv(2, 'Straßenlicht № 7'.encode()), tlv(3, b'ci-4711'), tlv(4, b'v1.2-3-gabcdef0'),
             tlv(5, struct.pack('<Q', 1700000000)), tlv(6, b'First line.\nSecond line; more.')]
    vector('good-texts', 'ok', 'ok', 'title, build id, revision, date, notes',
           package(tlvs=NAME + b''.join(texts)))
    longest = [tlv(2, b't' * 64), tlv(3, b'b' * 64), tlv(4, b'r' * 64),
               tlv(5, struct.pack('<Q', 253402300799)), tlv(6, b'n' * 256)]
    vector('good-texts-long', 'ok', 'ok', 'the longest texts, with notes of 256 bytes',
           package(tlvs=NAME + b''.join(longest)))
    vector('good-notes-long', 'buffer', 'ok', 'notes of 1,024 bytes: too much for a device',
           package(tlvs=NAME + tlv(6, b'n' * 1024)))
    vector('good-slots', 'ok', 'ok', 'the application linked for either slot',
           package([Component(slot=1), Component(noise(300, 7), slot=2)]))
    vector('good-end-of-memory', 'address', 'ok', 'component 0 ends at 2^32',
           package([Component(addr=0xFFFFFFFF - 299)]))


def for_others():
    vector('other-product', 'product', 'ok', 'of another product',
           package(product=product_uuid('acme.com/kettle'), tlvs=tlv(1, b'acme.com/kettle')))
    vector('other-hardware', 'hardware', 'ok', 'for hardware 4..9, the device is 3',
           package(hw=(4, 9)))
    vector('other-chip', 'chip', 'ok', 'for chip 0x419, the device is 0x413', package(chip=0x419))
    vector('any-chip', 'ok', 'ok', 'for any chip', package(chip=0))
    vector('counter-below', 'counter', 'ok', 'counter 4, the device had 5', package(counter=4))
    vector('version-below', 'downgrade', 'ok', '1.1.255+9, the device runs 1.2.0',
           package(version=version(1, 1, 255, 9)))
    vector('version-equal', 'ok', 'ok', 'the version that runs', package(version=version(1, 2, 0, 0)))
    vector('min-version', 'min-version', 'ok', 'only over 1.2.0+1 or later',
           package(min=version(1, 2, 0, 1)))
    vector('min-version-met', 'ok', 'ok', 'over 1.2.0 or later', package(min=version(1, 2, 0, 0)))
    vector('address-below', 'address', 'ok', 'component 0 below the flash of the device',
           package([Component(addr=0x07FFFFFF)]))
    vector('address-behind', 'address', 'ok', 'component 0 ends behind the flash of the device',
           package([Component(addr=0x080FFFFF)]))
    vector('hole-behind', 'address', 'ok', 'a hole pushes component 0 out of the flash',
           package(tlvs=NAME + segments(0, [(0x08000000, 299), (0x08100000, 1)])))
    big = tlv(0x7001, noise(700))
    vector('large-head', 'buffer', 'ok', 'manifest and signatures above 1,024 bytes',
           package(tlvs=NAME + big))


def signatures():
    m = manifest()
    payload = Component().data
    other = manifest(counter=8)

    def put(name, text, records, device='signature', host='signature'):
        vector(name, device, host, text, assemble(m, records, payload))

    put('unsigned', 'no signature', b'')
    put('sig-stranger', 'only an unknown key signed', signed(m, STRANGER))
    put('sig-other-manifest', 'the signature of another manifest', record(ED, ED.sign(message(other))))
    put('sig-digest-only', 'the digest was signed without the domain', record(ED, ED.sign(sha(m))))
    put('sig-manifest-only', 'the manifest was signed instead of the message', record(ED, ED.sign(m)))
    put('sig-wrong-domain', 'signed for another purpose',
        record(ED, ED.sign(b'stmota-plan-v1\0' + sha(m))))
    put('sig-swapped-keys', 'an Ed25519 signature under the id of the P-256 key',
        record(EC, ED.sign(message(m))))
    put('sig-zero', 'r and s are 0', record(EC, bytes(64)))
    put('sig-order', 'r and s are the order of the curve',
        record(EC, bytes.fromhex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551') * 2))
    ed = ED.sign(message(m))
    put('sig-s-plus-l', 'Ed25519 with s + L', record(ED, ed[:32] + (int.from_bytes(
        ed[32:], 'little') + 2**252 + 27742317777372353535851937790883648493).to_bytes(32, 'little')))
    put('sig-twice', 'the same key id twice', signed(m, ED, ED), 'format', 'damaged')
    put('sig-reserved', 'reserved bytes of a record are not zero',
        record(ED, ED.sign(message(m)), 1), 'format', 'damaged')
    put('sig-empty', 'a record without signature', record(ED, b''), 'format', 'damaged')
    put('sig-odd', 'a record of 62 bytes', record(ED, bytes(62)) + b'\0\0', 'format', 'damaged')
    put('sig-overrun', 'a record longer than the area', signed(m, ED)[:-4], 'format', 'damaged')
    put('sig-odd-two', 'two records of odd lengths that fill the area',
        record(ED, bytes(62)) + record(EC, bytes(66)), 'format', 'damaged')
    put('sig-area-odd', 'an area that is no multiple of 4', signed(m, ED) + b'\0', 'format', 'damaged')
    vector('sig-area-huge', 'limit', 'damaged', 'an area above 16 KiB',
           m + struct.pack('<II', 16384, 0) + signed(m, ED) + bytes(16384 - 76) + payload)
    many = b''.join(record(struct.pack('<Q', i), bytes(4)) for i in range(17))
    put('sig-17', '17 signatures', many, 'limit', 'damaged')
    vector('wraps', 'format', 'damaged', 'key wraps, and nothing is encrypted',
           assemble(m, signed(m, ED), bytes(120) + payload, 120))
    vector('wraps-huge', 'limit', 'damaged', 'key wraps above 8 * 136 bytes',
           assemble(m, signed(m, ED), bytes(1089) + payload, 1089))


def headers():
    def put(name, text, device='format', host='damaged', **h):
        vector(name, device, host, text, package(**h))

    vector('magic-text-mode', 'magic', 'damaged', 'CR LF became LF in a text-mode transfer',
           package(magic=MAGIC).replace(b'\r\n', b'\n', 1) + b'\0')
    put('format-1', 'format version 1', 'format-version', 'unsupported', format=1)
    put('components-0', 'no component', n=0)
    vector('components-none', 'format', 'damaged', 'no component, no payload',
           assemble(EMPTY, signed(EMPTY, ED), b''))
    put('components-17', '17 components', 'limit', n=17)
    put('components-2', 'two components announced, one there', n=2)
    put('manifest-odd', 'manifest size is no multiple of 4', tlvs=NAME + b'\0\0', size=250)
    put('manifest-small', 'manifest size below header and table', size=220)
    put('manifest-huge', 'manifest size above 16 KiB', 'limit', size=16384)
    put('payload-huge', 'payload size 2^31', 'limit', payload=2**31)
    put('payload-more', 'payload size above the sum of the components', payload=301)
    put('payload-less', 'payload size below the sum of the components', payload=299)
    put('header-76', 'reserved bytes 76..79', zero76=1)
    put('header-96', 'reserved bytes 96..127', zero96=bytes(31) + b'\1')
    put('payload-sum-wraps', 'stored sizes whose sum passes 2^32 and is right again', components=[
        Component(), Component(b'', RAM_INIT, 0, stored_size=0xFFFFFF00, plain_size=0xFFFFFF00)],
        payload=44)
    put('plain-0-both', 'header and table say 0 bytes', components=[Component(b'')])
    put('hw-reversed', 'hardware 5..4', hw=(5, 4))
    put('chip-1000', 'chip 0x1000', chip=0x1000)
    put('min-above', 'minimum version above the version', min=version(2))
    put('ram-plain', 'decoder RAM without an encoding', ram=4096)
    put('base-plain', 'base digest without a delta', base=noise(16))
    put('plain-0', 'component 0 of 0 bytes', plain=0)
    put('load-wraps', 'component 0 passes 2^32', load=0xFFFFFFFF - 298)
    put('load-differs', 'header and table disagree about the address', load=0x08000100)
    put('plain-differs', 'header and table disagree about the size', plain=299)
    put('encoding-delta', 'a delta without decoder RAM', components=[Component(encoding=1)], encodings=1)
    put('encoding-compressed', 'compressed without decoder RAM', components=[Component(encoding=2)],
        encodings=2)
    put('encoding-encrypted', 'encrypted, and does not tell how',
        components=[Component(encoding=4)], encodings=4)
    put('encoding-chained', 'chained, and does not tell how',
        components=[Component(encoding=8)], encodings=8)
    put('encoding-16', 'an unknown encoding', 'encoding', 'unsupported', encodings=16)
    vector('encoding-hidden', 'format', 'damaged', 'an encoding that the header does not announce',
           package([Component(encoding=1)]))


def components():
    def put(name, text, device='format', host='damaged', second=None, **fields):
        parts = [Component(**fields)] + ([second] if second else [])
        vector(name, device, host, text, package(parts))

    put('kind-0', 'kind 0', 'kind', 'unsupported', kind=0)
    put('kind-7', 'an unknown kind', 'kind', 'unsupported', kind=7)
    put('component-6', 'reserved bytes 6..7', zero6=1)
    put('component-28', 'reserved bytes 28..31', zero28=1)
    put('stored-0', 'a stored size of 0', second=Component(b'', CONFIG, 0x0800F000))
    put('digests-differ', 'plain, but the two digests differ', plain_digest=noise(32))
    put('sizes-differ', 'plain, but the two sizes differ', stored_size=299)
    put('entry-even', 'an even entry point', entry=0x08000080)
    put('entry-before', 'an entry point before the component', entry=0x07FFFFFF)
    put('entry-behind', 'an entry point behind the component', entry=0x0800012D)
    put('entry-configuration', 'an entry point in a configuration', kind=CONFIG, entry=0x08000001)
    put('app-info-odd', 'a record at an odd offset', app_info=130)
    put('app-info-behind', 'a record that passes the end', app_info=240)
    put('app-info-configuration', 'a record in a configuration', kind=CONFIG, app_info=128)
    put('overlap', 'two components overlap by one byte', second=Component(noise(10), CONFIG, 0x0800012B))
    vector('touch', 'ok', 'ok', 'two components touch',
           package([Component(), Component(noise(10), CONFIG, 0x0800012C)]))
    put('wraps-address', 'component 1 passes 2^32', second=Component(noise(10), CONFIG, 0xFFFFFFF7))
    vector('overlap-ram', 'format', 'damaged', 'RAM code over RAM-init values',
           package([Component(), Component(noise(40, 2), RAM_INIT, 0x20000000),
                    Component(noise(10), RAM_CODE, 0x20000027)]))
    vector('overlap-slot', 'ok', 'ok', 'two components for one address, one in a slot',
           package([Component(), Component(noise(10), CONFIG, 0x0800012B, slot=1)]))
    vector('overlap-kinds', 'ok', 'ok', 'RAM code where a program is',
           package([Component(), Component(noise(10), RAM_CODE, 0x0800012B)]))
    put('slot-twice', 'two components in one slot', slot=3,
        second=Component(noise(10), CONFIG, 0x0800F000, slot=3))
    put('data-no-name', 'data for another chip without a name',
        second=Component(noise(10), OPAQUE, 0))


def texts():
    def put(name, text, area, device='ok', host='damaged'):
        vector(name, device, host, text, package(tlvs=NAME + area))

    short = 'format'
    for number, name, most in ((2, 'title', 64), (3, 'build-id', 64), (4, 'revision', 64),
                               (6, 'notes', 1024)):
        put('text-%s-empty' % name, '%s of 0 bytes' % name, tlv(number, b''), short)
        put('text-%s-long' % name, '%s of %d bytes' % (name, most + 1),
            tlv(number, b'a' * (most + 1)), 'buffer' if most > 900 else short)
        put('text-%s-twice' % name, '%s twice' % name, tlv(number, b'aa') + tlv(number, b'bb'), short)
        put('text-%s-escape' % name, '%s with an escape sequence' % name,
            tlv(number, b'a\x1b[2Jb'))
        put('text-%s-nul' % name, '%s with a NUL' % name, tlv(number, b'a\0b'))
    put('text-title-latin1', 'a title that is not UTF-8', tlv(2, b'Stra\xdfe'))
    put('text-title-overlong', 'a title with an overlong slash', tlv(2, b'a\xc0\xafb'))
    put('text-title-surrogate', 'a title with a surrogate', tlv(2, b'a\xed\xa0\x80b'))
    put('text-title-cut', 'a title that ends within a character', tlv(2, b'a\xe2\x82'))
    put('text-title-c1', 'a title with U+009B, which is an escape sequence',
        tlv(2, 'a\u009b2Jb'.encode()))
    put('text-title-bidi', 'a title that turns the direction of text',
        tlv(2, 'a\u202eb'.encode()))
    put('text-title-line', 'a title of two lines', tlv(2, b'a\nb'))
    put('text-title-blank', 'a title that ends with a blank', tlv(2, b'a '))
    put('text-notes-return', 'notes with a carriage return', tlv(6, b'a\rb'))
    put('text-notes-end', 'notes that end with a line feed', tlv(6, b'a\n'))
    put('text-build-id-blank', 'a build id with a blank', tlv(3, b'a b'))
    put('text-revision-utf8', 'a revision that is not ASCII', tlv(4, 'r\u00e9v'.encode()))
    put('date-short', 'a date of 4 bytes', tlv(5, bytes(4)), short)
    put('date-10000', 'a date in the year 10000', tlv(5, struct.pack('<Q', 253402300800)))
    put('component-name-empty', 'a component name of 0 bytes', component_name(0, b''), short)
    put('component-name-long', 'a component name of 32 bytes', component_name(0, b'a' * 32), short)
    put('component-name-nobody', 'a name of a component that is not there',
        component_name(1, b'app'), short)
    put('component-name-twice', 'two names of one component',
        component_name(0, b'app') + component_name(0, b'apq'), short)
    put('component-name-path', 'a component name with a slash', component_name(0, b'a/../b'))
    put('component-name-digit', 'a component name that begins with a digit', component_name(0, b'1a'))
    two = [Component(), Component(noise(10), CONFIG, 0x0800F000)]
    vector('component-name-same', 'ok', 'damaged', 'two components of the same name',
           package(two, tlvs=NAME + component_name(0, b'app') + component_name(1, b'app')))


def tlvs():
    def put(name, text, area, device='format', host='damaged', parts=None):
        vector(name, device, host, text, package(parts, tlvs=area))

    put('tlv-order', 'types that descend', tlv(0x7001, b'a') + NAME)
    put('tlv-name-twice', 'two product names', NAME + NAME)
    put('tlv-0', 'type 0', tlv(0, b''))
    put('tlv-padding', 'padding that is not zero', tlv(0x7001, b'hello', b'x'))
    put('tlv-overrun', 'a TLV that passes the end', NAME + struct.pack('<HH', 0x7001, 5) + b'hell')
    put('tlv-critical', 'an unknown critical TLV', NAME + tlv(0xF001, b''), 'critical', 'unsupported')
    for number, name in ((0x8003, 'chain'), (0x8004, 'encryption')):
        put('tlv-' + name, 'an entry of 8 bytes: ' + name, NAME + tlv(number, bytes(8)))
    put('tlv-index-order', 'one type twice, numbers that do not ascend',
        NAME + tlv(0x7001, b'\1\0') + tlv(0x7001, b'\1\0'))
    put('tlv-index-short', 'one type twice, the second without a number',
        NAME + tlv(0x7001, b'\1\0') + tlv(0x7001, b'\2'))
    put('tlv-index-short-first', 'one type twice, the first without a number',
        NAME + tlv(0x7001, b'\1') + tlv(0x7001, b'\2\0'))
    put('tlv-two-names', 'two product names that ascend', NAME + tlv(1, b'bcme.com/kettle'))
    vector('tlv-index', 'ok', 'ok', 'one unknown type twice, numbers that ascend',
           package(tlvs=NAME + tlv(0x7001, b'\0\0') + tlv(0x7001, b'\1\0abc')))
    put('name-empty', 'a product name of 0 bytes', tlv(1, b''))
    put('name-128', 'a product name of 128 bytes', tlv(1, b'a' * 128))
    put('name-upper', 'a product name in upper case (devices do not read names)',
        tlv(1, b'ACME.com/streetlight'), 'ok')
    put('name-nul', 'a product name with a NUL', tlv(1, b'acme.com/str\0etlight'), 'ok')
    put('name-other', 'a product name that does not belong to the UUID', tlv(1, b'acme.com/kettle'),
        'ok')


# What the reference encoder makes of the two images below; SPEC.md tells how it is read.
DELTA_OLD = noise(600, 5)
DELTA_NEW = DELTA_OLD[:200] + b'changed!' + DELTA_OLD[220:]
DELTA_PAYLOAD = bytes.fromhex(
    'f403435b5eaf5869f4d333af648a790f0bbea53a99fd20')


def delta_base(component=0, codec=1, ram=8192, addr=0x08000000, size=600, old=DELTA_OLD):
    return tlv(0x8002, struct.pack('<HHIII', component, codec, ram, addr, size) + sha(old))


def deltas():
    def put(name, text, area=None, device='format', host='damaged', payload=DELTA_PAYLOAD, **h):
        part = Component(payload, encoding=1, plain_size=len(DELTA_NEW), plain_digest=sha(DELTA_NEW))
        f = {'encodings': 1, 'ram': 8192, 'base': sha(DELTA_OLD)[:16]}
        f.update(h)
        vector(name, device, host, text,
               package([part], tlvs=NAME + (delta_base() if area is None else area), **f))

    put('good-delta', 'a delta; this device decodes none', None, 'ram', 'ok')
    put('delta-no-base', 'a delta that does not tell its base', b'', 'ram')
    put('delta-ram-differs', 'header and entry disagree about the RAM', None, 'ram', ram=4096)
    put('delta-ram-odd', 'decoder RAM of no profile', delta_base(ram=8000), ram=8000)
    put('delta-prefix', 'header and entry disagree about the base', None, 'ram', base=noise(16))
    put('delta-codec', 'another codec', delta_base(codec=2), 'ram', 'unsupported')
    put('delta-nobody', 'a base of a component that is not there', delta_base(component=1), 'ram')
    put('delta-empty-base', 'a base of 0 bytes', delta_base(size=0), 'ram')
    put('delta-large-base', 'a base of 16 MiB', delta_base(size=0x1000000), 'ram')
    put('delta-base-wraps', 'a base that passes 2^32', delta_base(addr=0xFFFFFF00), 'ram')
    version = struct.pack('<BBHI', 1, 2, 3, 4)
    told = tlv(8, struct.pack('<HH', 0, 0) + version)
    put('good-delta-version', 'a delta that tells the version of its base', told + delta_base(), 'ram', 'ok')
    put('base-version-short', 'a base version of 7 bytes', tlv(8, struct.pack('<HH', 0, 0) + version[:7]) +
        delta_base(), 'ram')
    put('base-version-reserved', 'a base version with a number in the reserved field',
        tlv(8, struct.pack('<HH', 0, 1) + version) + delta_base(), 'ram')
    put('base-version-nobody', 'a base version of a component that is not there',
        tlv(8, struct.pack('<HH', 1, 0) + version) + delta_base(), 'ram')
    put('base-version-twice', 'two base versions of one component', told + told + delta_base(), 'ram')
    vector('base-version-of-plain', 'format', 'damaged', 'a base version of a component that is no delta',
           package(tlvs=NAME + told))
    vector('delta-base-of-plain', 'format', 'damaged', 'a base of a component that is no delta',
           package(tlvs=NAME + delta_base()))


# What the reference encoder makes of these with groups of 512 bytes, of which it makes the last one
# before the first; SPEC.md, section 11, "In place".
IN_PLACE_OLD = noise(2000, 6)
IN_PLACE_NEW = IN_PLACE_OLD[900:1900] + b'changed!' + IN_PLACE_OLD[:250] + IN_PLACE_OLD[700:800]
IN_PLACE_PAYLOAD = bytes.fromhex(
    'f7f7c4b6e2161800c9504c4ef4618916a3c09f1dddc346071e465b92cd6346ce09e1cca50168876c8537e50eb046'
    '12b48c174b2b690142d0c0457a41b1094bd93bcdde7f804bfbf87abdb2218a0607e8663dc6b0c4da2e7be0ca9de3'
    '298b58b358afb0cd01864c9ceb1b3296d8d909a9dd9b0a49ef0fcf6f0f60d7aaf61b31b768b538a3d98011704d25'
    'af84e6164896170a2721a98da73de5cfb0a5b92ff64397dae498ea6529075d5c950d622117b1bb5ce395164e59de'
    'e187bc343b3022a6909fd44e9c35c356c2906ae62c6a99d73a434bdc75083bd3a45cb89f93ad571be90574a9e3b6'
    'c1e8b8279109b6f6ad434740eec58e36be492c0c8ad5a7487c0c0292db9329c5173b30bc8537b90c48d8a4cb0e11'
    '046a499f57640278987b4eea51eba31cd45bd24ab7419f0d44778f4c8b85b46a29120086c726d44fd5be29405513'
    'aa0d0f3ba0e7a628fea5394e7d2200668f31f05aeedf0b522db9335d5f8d619a191f99cb91d5a82a2e474a865cf1'
    '73949d')


def in_place_tlv(*runs, component=0, zero=0, journal=None, ram=4096):
    journal = max(size for _, size in runs) + 2 * (ram + 512) if journal is None else journal
    return tlv(0x8006, struct.pack('<HHI', component, zero, journal) +
               b''.join(struct.pack('<II', n, size) for n, size in runs))


def in_place():
    def put(name, text, area, host='damaged', encoding=1, address=0x08000000, base=None, more=b'', **h):
        part = Component(IN_PLACE_PAYLOAD, encoding=encoding, plain_size=len(IN_PLACE_NEW),
                         plain_digest=sha(IN_PLACE_NEW))
        f = {'encodings': encoding, 'ram': 4096, 'base': sha(IN_PLACE_OLD)[:16]}
        f.update(h)
        base = delta_base(ram=4096, addr=address, size=2000, old=IN_PLACE_OLD) if base is None else base
        vector(name, f.pop('device', 'ram'), host, text, package([part], tlvs=NAME + more + base + area, **f))

    put('good-in-place', 'a delta that overwrites its base', in_place_tlv((3, 512)), 'ok')
    vector('good-in-place-sealed', 'ram', 'ok', 'the same, encrypted and chained', sealed_in_place())
    runs = [(1, 64 * n) for n in (1, 2, 1, 2, 4, 5, 2, 3, 2)]
    put('in-place-runs-8', 'eight runs of groups, not those of the payload',
        in_place_tlv((1, 192), *runs[2:]), 'ok')
    put('in-place-runs-9', 'nine runs of groups', in_place_tlv(*runs))
    put('in-place-no-runs', 'no groups', tlv(0x8006, in_place_tlv((3, 512))[4:12]))
    put('in-place-short', 'a run that is cut', tlv(0x8006, in_place_tlv((3, 512))[4:16]))
    put('in-place-reserved', 'a number in the reserved field', in_place_tlv((3, 512), zero=1))
    put('in-place-nobody', 'groups of a component that is not there', in_place_tlv((3, 512), component=1))
    put('in-place-twice', 'groups told twice', in_place_tlv((3, 512)) * 2)
    put('in-place-journal', 'a journal of another size', in_place_tlv((3, 512), journal=512 + 2 * 4096))
    put('in-place-too-few', 'groups that end before the image does', in_place_tlv((2, 512)))
    put('in-place-behind', 'a group behind the image', in_place_tlv((4, 512)))
    put('in-place-odd', 'groups of 100 bytes', in_place_tlv((14, 100)))
    put('in-place-size-0', 'groups of 0 bytes', in_place_tlv((3, 512), (1, 0)))
    put('in-place-none', 'a run of no groups', in_place_tlv((3, 512), (0, 512)))
    put('in-place-large', 'a group above 16 MiB', in_place_tlv((1, (1 << 24) + 64)))
    put('in-place-many', '256 groups', in_place_tlv((256, 64)))
    put('in-place-wraps', 'so many groups that their sizes wrap', in_place_tlv((0x800003, 512)))
    put('in-place-elsewhere', 'a base linked for another address', in_place_tlv((3, 512)), address=0x08000400)
    put('in-place-holes', 'a new image with a hole', in_place_tlv((3, 512)),
        more=tlv(0x8001, struct.pack('<HHIIII', 0, 0, 0x08000000, 1000, 0x08001000, 358)))
    vector('in-place-plain', 'format', 'damaged', 'groups of a component that is no delta',
           package(tlvs=NAME + in_place_tlv((3, 512))))


def sealed_in_place():
    part = Sealed(data=IN_PLACE_NEW, content=IN_PLACE_PAYLOAD, root=PRODUCT_KEY[16], chunk=1024, encoding=1)
    part.tlvs[0x8006] = in_place_tlv((3, 512))
    return sealed([part], tlvs=NAME + delta_base(ram=4096, size=2000, old=IN_PLACE_OLD), ram=4096,
                  base=sha(IN_PLACE_OLD)[:16])


# What the reference encoder makes of this text; SPEC.md, section 12.
PACKED_PLAIN = b''.join(b'%d bottles of beer on the wall, %d bottles of beer; take one down, pass it '
                        b'around. ' % (n, n) for n in range(9, 0, -1))
PACKED_PAYLOAD = bytes.fromhex(
    'dfc67745adb3dc5a32f6020da1c3a70c07dcc7974ecb5b3ec943a6be5ccd59edaf5e89b7035a40f8438d318477e1'
    'dcf95dad8d36b2825166d26ac9e14891520916a267ed6ddee630ad3bcab44f55fa5ae4ac318ce6017c89af772152'
    '8ceb9229246576172de11d6ce9b22900637375cc3e945dce4ecf8610ab2e8794ffbb6a38910cc1')


def packed_tlv(component=0, codec=1, ram=8192):
    return tlv(0x8005, struct.pack('<HHI', component, codec, ram))


def packed():
    def put(name, text, area=None, device='ram', host='damaged', encoding=2, **h):
        part = Component(PACKED_PAYLOAD, encoding=encoding, plain_size=len(PACKED_PLAIN),
                         plain_digest=sha(PACKED_PLAIN))
        f = {'encodings': encoding, 'ram': 8192}
        f.update(h)
        vector(name, device, host, text,
               package([part], tlvs=NAME + (packed_tlv() if area is None else area), **f))

    put('good-compressed', 'a compressed image; this device decodes none', None, 'ram', 'ok')
    put('packed-no-ram', 'a compressed image that does not tell its RAM', b'')
    put('packed-ram-differs', 'header and entry disagree about the RAM', ram=4096)
    put('packed-ram-odd', 'decoder RAM of no profile', packed_tlv(ram=8000))
    put('packed-codec', 'another codec', packed_tlv(codec=2), host='unsupported')
    put('packed-nobody', 'RAM of a component that is not there', packed_tlv(component=1))
    put('packed-base', 'a base digest without a delta', device='format', base=noise(16))
    put('packed-delta', 'compressed and a delta', packed_tlv(), encoding=3)
    vector('packed-plain', 'format', 'damaged', 'decoder RAM of a component that is stored as it is',
           package(tlvs=NAME + packed_tlv()))


# ---- encryption and chains ----

def chained(content, size):
    """Stored bytes and the digest of chunk 0."""
    share, parts = size - 32, []
    while len(content) > size:
        parts.append(content[:share])
        content = content[share:]
    parts.append(content)
    for k in reversed(range(len(parts) - 1)):
        parts[k] += sha(parts[k + 1])
    return b''.join(parts), sha(parts[0])


def chain_tlv(component, size, digest):
    return tlv(0x8003, struct.pack('<HH', component, size) + digest)


def encryption_tlv(component, cipher, source, salt, check):
    return tlv(0x8004, struct.pack('<HBB', component, cipher, source) + salt + check)


class Sealed:
    """A component that is encrypted (root key given) or chained (chunk size given)."""

    def __init__(self, number=0, data=None, root=None, source=1, chunk=0, content=None, **fields):
        data = noise(3000) if data is None else data
        content = data if content is None else content
        encoding, self.tlvs, digest = fields.pop('encoding', 0), {}, sha(data)
        if root:
            cipher = 1 if len(root) == 16 else 2
            salt_key = hkdf(b'', root, b'stmota-salt-v1\0', 32)
            salt = mac(salt_key, struct.pack('<H', number) + sha(content))[:16]
            info = b'stmota-encrypt-v1\0' + product_uuid(PRODUCT) + version()
            derived = hkdf(salt, root, info + struct.pack('<HBB', number, cipher, source), 64)
            content = aes_ctr(derived[:len(root)], content)
            digest = sha(derived[48:] + data)
            self.tlvs[0x8004] = encryption_tlv(number, cipher, source, salt, derived[32:48])
            encoding |= 4
        if chunk:
            content, first = chained(content, chunk)
            self.tlvs[0x8003] = chain_tlv(number, chunk, first)
            encoding |= 8
        f = {'encoding': encoding, 'plain_size': len(data), 'plain_digest': digest}
        f.update(fields)
        self.component = Component(content, **f)


def sealed_manifest(parts, tlvs=NAME, **h):
    entries = b''.join(p.tlvs[t] for t in (0x8003, 0x8004, 0x8006) for p in parts if t in p.tlvs)
    f = {'encodings': 0}
    for p in parts:
        f['encodings'] |= p.component.encoding
    f.update(h)
    return manifest([p.component for p in parts], tlvs + entries, **f)


def wrap(m, root, to, domain=b'stmota-wrap-v1\0', sender=EPHEMERAL):
    agreed = hkdf(b'', sender.shared(to.public), domain + key_id(to) + sender.public, 64)
    wrapped = bytes(a ^ b for a, b in zip(root, agreed))
    return key_id(to) + sender.public + wrapped + mac(agreed[32:], sha(m) + wrapped)


def sealed(parts, wraps=b'', tlvs=NAME, m=None, payload=None, **h):
    m = sealed_manifest(parts, tlvs, **h) if m is None else m
    payload = b''.join(p.component.data for p in parts) if payload is None else payload
    return assemble(m, signed(m, ED), wraps + payload, len(wraps))


def chains():
    def put(name, text, part, device='format', host='damaged', **h):
        vector('chain-' + name, device, host, text, sealed([part], **h))

    for size in (1024, 2048, 4096):
        vector('good-chain-%d' % size, 'ok', 'ok', 'chunks of %d bytes' % size,
               sealed([Sealed(data=noise(9000, 20), chunk=size)]))
    for size in (1, 1024, 1025, 1024 + 992, 1024 + 993):
        vector('good-chain-of-%d' % size, 'ok', 'ok', '%d bytes in chunks of 1,024' % size,
               sealed([Sealed(data=noise(size, 21), chunk=1024)]))
    part = Sealed(chunk=1024)
    for size in (0, 512, 1000, 1056, 8192):
        odd = Sealed(chunk=1024)
        odd.tlvs[0x8003] = chain_tlv(0, size, bytes(32))
        put('size-%d' % size, 'chunks of %d bytes' % size, odd)
    nobody = Sealed(chunk=1024)
    nobody.tlvs[0x8003] = chain_tlv(1, 1024, bytes(32))
    put('nobody', 'a chain of a component that is not there', nobody)
    plain = Sealed()
    plain.tlvs[0x8003] = part.tlvs[0x8003]
    put('of-plain', 'a chain of a component that is not chained', plain)
    cut, first = noise(992, 22) + sha(noise(32, 23)) + noise(32, 23), sha(noise(32, 23))
    whole = Sealed(data=noise(992, 22) + noise(32, 23), chunk=1024)
    whole.component = Component(cut, encoding=8, plain_size=1024, plain_digest=sha(cut[:992] + cut[1024:]))
    whole.tlvs[0x8003] = chain_tlv(0, 1024, sha(cut[:1024]))
    put('cut', 'a last chunk of 32 bytes that would have fitted', whole)
    short = Sealed(chunk=1024, plain_size=2999)
    put('plain-size', 'content and plain size differ', short)
    wrong = Sealed(chunk=1024)
    wrong.tlvs[0x8003] = chain_tlv(0, 1024, first)
    put('digest', 'the digest of chunk 0 is another one; the stored digest is right', wrong, 'ok',
        'plain')
    swapped = Sealed(chunk=1024)
    d = swapped.component.data
    d = d[:1024] + d[2048:3072] + d[1024:2048] + d[3072:]
    swapped.component = Component(d, encoding=8, plain_size=3000, plain_digest=sha(noise(3000)))
    put('swapped', 'two chunks swapped; the stored digest is right', swapped, 'ok', 'plain')


def encryptions():
    def put(name, text, parts, device='format', host='damaged', **h):
        vector('encrypted-' + name, device, host, text, sealed(parts, **h))

    for size, root in PRODUCT_KEY.items():
        vector('good-encrypted-%d' % (8 * size), 'ok', 'ok', 'AES-%d, product key' % (8 * size),
               sealed([Sealed(root=root)]))
    root = PRODUCT_KEY[16]
    vector('good-encrypted-chained', 'ok', 'ok', 'encrypted, and chained',
           sealed([Sealed(root=root, chunk=1024)]))
    vector('good-encrypted-some', 'ok', 'ok', 'the second of three components is encrypted', sealed([
        Sealed(), Sealed(1, noise(77, 30), root, kind=CONFIG, addr=0x0800F000),
        Sealed(2, noise(5000, 31), chunk=2048, kind=SECOND, addr=0x08010000)]))
    vector('good-encrypted-delta', 'ram', 'ok', 'an encrypted, chained delta', sealed(
        [Sealed(data=DELTA_NEW, content=DELTA_PAYLOAD, root=root, chunk=1024, encoding=1)],
        tlvs=NAME + delta_base(), ram=8192, base=sha(DELTA_OLD)[:16]))
    key = noise(32, 32)
    for size in (16, 32):
        part = Sealed(root=key[:size], source=2, chunk=1024)
        m = sealed_manifest([part])
        vector('good-wrapped-%d' % (8 * size), 'ok', 'ok', 'AES-%d, for two devices' % (8 * size), sealed(
            [part], wrap(m, key[:size], OTHER_DEVICE) + wrap(m, key[:size], DEVICE), m=m))
    part = Sealed(root=key[:16], source=2)
    m = sealed_manifest([part])
    mine, other = wrap(m, key[:16], DEVICE), wrap(m, key[:16], OTHER_DEVICE)
    eight = b''.join(struct.pack('<Q', i) + mine[8:] for i in range(9))
    for name, text, wraps, device, host in (
            ('none', 'no key wrap', b'', 'format', 'damaged'),
            ('odd', 'key wraps of another size', mine + other[:-4], 'format', 'damaged'),
            ('9', 'nine key wraps', eight, 'limit', 'damaged'),
            ('twice', 'two wraps for one device', mine + other + mine, 'ok', 'damaged'),
            ('others', 'wrapped for another device', other, 'ok', 'key'),
            ('flipped', 'one bit of the wrapped key', mine[:75] + bytes([mine[75] ^ 1]) + mine[76:],
             'ok', 'key'),
            ('mac', 'one bit of the MAC', mine[:-1] + bytes([mine[-1] ^ 1]), 'ok', 'key'),
            ('point', 'a point beside the curve', mine[:40] + bytes(32) + mine[72:], 'ok', 'key'),
            ('wrong-key', 'wrapped rightly, another key', wrap(m, key[16:], DEVICE), 'ok', 'key'),
            ('other-package', 'the wrap of another package',
             wrap(sealed_manifest([Sealed(root=key[:16], source=2, addr=0x08001000)]), key[:16], DEVICE),
             'ok', 'key'),
            ('domain', 'made for another purpose', wrap(m, key[:16], DEVICE, b'stmota-wrap-v2\0'),
             'ok', 'key')):
        vector('wraps-' + name, device, host, text, sealed([part], wraps, m=m))
    put('nobody', 'an entry of a component that is not there', [with_entry(1, 1, 1)])
    put('cipher', 'another cipher', [with_entry(0, 3, 1)], 'encoding', 'unsupported')
    put('source', 'another source of keys', [with_entry(0, 1, 3)], 'encoding', 'unsupported')
    plain = Sealed()
    plain.tlvs[0x8004] = Sealed(root=root).tlvs[0x8004]
    put('of-plain', 'an entry of a component that is not encrypted', [plain])
    put('ciphers-differ', 'two ciphers in a package', [
        Sealed(root=root), Sealed(1, noise(77, 30), PRODUCT_KEY[32], kind=CONFIG, addr=0x0800F000)])
    put('sources-differ', 'two sources of keys in a package', [
        Sealed(root=root), Sealed(1, noise(77, 30), root, 2, kind=CONFIG, addr=0x0800F000)])
    put('other-version', 'encrypted as another version', [Sealed(root=root)], 'ok', 'key',
        version=version(1, 2, 4))
    put('other-number', 'encrypted as another component', [
        Sealed(), with_number(Sealed(0, noise(77, 30), root, kind=CONFIG, addr=0x0800F000), 1)],
        'ok', 'key')
    put('other-key', 'encrypted with another product key', [Sealed(root=noise(16, 33))], 'ok', 'key')
    put('check', 'one bit of the key check', [with_check(Sealed(root=root))], 'ok', 'key')
    put('plain-digest', 'another plain digest', [Sealed(root=root, plain_digest=noise(32, 34))],
        'ok', 'plain')


def with_entry(number, cipher, source):
    part = Sealed(root=PRODUCT_KEY[16])
    part.tlvs[0x8004] = encryption_tlv(number, cipher, source, bytes(16), bytes(16))
    return part


def with_number(part, number):
    old = part.tlvs[0x8004]
    part.tlvs[0x8004] = old[:4] + struct.pack('<H', number) + old[6:]
    return part


def with_check(part):
    old = part.tlvs[0x8004]
    part.tlvs[0x8004] = old[:-1] + bytes([old[-1] ^ 1])
    return part


def maps():
    def put(name, text, pairs, component=0, zero=0, parts=None, names=b''):
        vector(name, 'format', 'damaged', text,
               package(parts, tlvs=NAME + names + segments(component, pairs, zero)))

    put('map-one', 'a map of one segment', [(0x08000000, 300)])
    put('map-touching', 'segments that touch', [(0x08000000, 100), (0x08000064, 200)])
    put('map-overlap', 'segments that overlap', [(0x08000000, 100), (0x08000063, 200)])
    put('map-descending', 'segments that descend', [(0x08000000, 100), (0x07000000, 200)])
    put('map-first', 'the first segment is not at the load address', [(0x08000004, 100), (0x08004000, 200)])
    put('map-short', 'lengths below the plain size', [(0x08000000, 100), (0x08004000, 199)])
    put('map-long', 'lengths above the plain size', [(0x08000000, 100), (0x08004000, 201)])
    put('map-sum-wraps', 'lengths whose sum passes 2^32',
        [(0x08000000, 100), (0x08004000, 0xF0000000), (0xF8005000, 0x100000C8 - 0x8000)])
    put('map-empty', 'a segment of 0 bytes', [(0x08000000, 100), (0x08004000, 200), (0x08008000, 0)])
    put('map-wraps', 'a segment that passes 2^32', [(0x08000000, 100), (0xFFFFFFFF - 198, 200)])
    put('map-nobody', 'a map of a component that is not there', [(0x08000000, 100), (0x08004000, 200)], 1)
    put('map-reserved', 'reserved bytes of a map', [(0x08000000, 100), (0x08004000, 200)], 0, 1)
    put('map-opaque', 'a map of data', [(0x08000000, 100), (0x08004000, 200)],
        parts=[Component(kind=OPAQUE)], names=component_name(0, b'radio'))
    vector('map-odd', 'format', 'damaged', 'a map that ends within a pair', package(
        tlvs=NAME + tlv(0x8001, struct.pack('<HHIIIII', 0, 0, 0x08000000, 100, 0x08004000, 200, 1))))
    vector('map-overlap-behind-hole', 'format', 'damaged', 'a second component in the hole of the first',
           package([Component(), Component(noise(10), CONFIG, 0x08001000)],
                   tlvs=NAME + segments(0, [(0x08000000, 100), (0x08004000, 200)])))


def damaged():
    whole = package()
    head = len(manifest())
    for name, size in (('header', 127), ('manifest', head - 1), ('area', head + 7),
                       ('signature', head + 8 + 75), ('payload', len(whole) - 1)):
        vector('cut-' + name, 'truncated', 'damaged', 'ends within: ' + name, whole[:size])
    vector('cut-all-payload', 'truncated', 'damaged', 'no payload at all', whole[:head + 8 + 76])
    vector('trailing', 'trailing', 'damaged', 'one byte behind the end', whole + b'\0')
    vector('payload-flipped', 'digest', 'damaged', 'one bit of the payload',
           whole[:-1] + bytes([whole[-1] ^ 1]))
    two = package([Component(), Component(noise(300, 9), CONFIG, 0x0800F000)])
    vector('payloads-swapped', 'digest', 'damaged', 'two payloads in the wrong order',
           two[:-600] + two[-300:] + two[-600:-300])
    late = bytearray(two)
    late[-1] ^= 0x80
    vector('payload-flipped-late', 'digest', 'damaged', 'one bit of the second payload', bytes(late))


def files():
    for part in (good, for_others, signatures, headers, components, texts, tlvs, deltas, in_place, packed,
                 chains, encryptions, maps, damaged):
        part()
    # What a delta is made from and what comes out, of the component with this number.
    images = {'good-delta': (DELTA_OLD, DELTA_NEW), 'good-in-place': (IN_PLACE_OLD, IN_PLACE_NEW),
              'good-in-place-sealed': (IN_PLACE_OLD, IN_PLACE_NEW), 'good-compressed': (None, PACKED_PLAIN)}
    out = {'ed25519.pem': pem(ED).encode(), 'p256.pem': pem(EC).encode(),
           'device.pem': private_pem(DEVICE).encode(), 'product-128.key': PRODUCT_KEY[16],
           'product-256.key': PRODUCT_KEY[32].hex().encode() + b'\n'}
    lines = ['# Made by make_vectors.py. FILE DEVICE HOST: what must happen.\n',
             '# DEVICE: result of imf_verify (enum imf_error) on a device of product\n',
             '# acme.com/streetlight, hardware 3, chip 0x413, running 1.2.0, counter 5, flash\n',
             '# 0x08000000:1M, work buffer 1,024 bytes, trusting both keys. HOST: result of\n',
             '# package_open and package_verify with both keys trusted; then, for encrypted and\n',
             '# chained ones: key if no key here opens it (product-128.key, product-256.key,\n',
             '# device.pem), plain if it opens and the content is not what was signed.\n']
    for name, device, host, text, data in sorted(VECTORS):
        assert name + '.sota' not in out, name
        out[name + '.sota'] = data
        lines.append('%-28s %-14s %-11s %s\n' % (name, device, host, text))
    for name, (old, new) in images.items():
        out[name + '.0'] = new
        if old is not None:
            out[name + '.base'] = old
    out['vectors.txt'] = ''.join(lines).encode()
    return out


def main():
    args = sys.argv[1:]
    check = args[:1] == ['--check']
    folder = pathlib.Path((args[1:] if check else args)[0] if args else pathlib.Path(__file__).parent)
    wanted = files()
    present = {p.name for p in folder.iterdir()} if folder.exists() else set()
    stale = {n for n in present if n.endswith('.sota') and n not in wanted}
    bad = 0
    for name, data in wanted.items():
        path = folder / name
        if not check:
            path.write_bytes(data)
        elif name not in present or path.read_bytes() != data:
            print('differs: ' + name)
            bad += 1
    for name in stale:
        if check:
            print('not made by this script: ' + name)
            bad += 1
        else:
            (folder / name).unlink()
    print('%d vectors%s' % (len(VECTORS), ', %d differ' % bad if check else ''))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
