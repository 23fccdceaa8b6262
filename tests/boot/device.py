#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""device.py [options] FLASH LOADER.elf STEP... - runs a loader in QEMU and talks to it

FLASH is the file that is the device's flash. The steps happen in their order:

  wait=TEXT     until the device has printed TEXT (what came before is passed over)
  key=C         sends one byte
  send=FILE     sends FILE by `stmota ymodem send`, must succeed; refuse=FILE: must not
  cut=TEXT      until the device has printed TEXT, or the power fails (QEMU ends with status 77): then that is all
  doom=MS       goes on, and kills QEMU so many milliseconds later, wherever it is then; counts as a power failure
  kill=N        kills QEMU when N more bytes have come from the device
  run=COMMAND   runs a command of the shell, with the device's serial line at tcp:127.0.0.1:$PORT

Options: --arg TEXT (semihosting argument), --cwd FOLDER, --log FILE (what the device printed), --within SEC.
Status 0: all steps happened. Nothing depends on how long something takes, but for --within (400 s) and where doom= hits.
"""
import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
import time


class Device:
    def __init__(self, opts):
        self.opts = opts
        self.text = bytearray()
        self.at = 0
        self.changed = threading.Condition()
        self.peer = None
        self.ended = False # everything that it printed has come
        listener = socket.create_server(('127.0.0.1', 0))
        port = listener.getsockname()[1]
        self.qemu = subprocess.Popen(
            ['qemu-system-arm', '-M', 'mps2-an386,memory-backend=fl', '-accel', 'tcg,thread=single',
             '-object', 'memory-backend-file,id=fl,size=16M,share=on,mem-path=' + opts.flash,
             '-kernel', opts.loader, '-display', 'none', '-monitor', 'none',
             '-chardev', 'socket,id=line,host=127.0.0.1,port=%d' % port, '-serial', 'chardev:line',
             '-semihosting-config', 'enable=on,target=native,arg=boot %s' % opts.arg],
            cwd=opts.cwd, stdin=subprocess.DEVNULL)
        listener.settimeout(opts.within)
        self.line, _ = listener.accept()
        self.log = open(opts.log, 'ab') if opts.log else None
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                data = self.line.recv(4096)
            except OSError:
                data = b''
            with self.changed:
                if self.log:
                    self.log.write(data)
                    self.log.flush()
                self.text += data
                if self.peer and data:
                    try:
                        self.peer.sendall(data)
                    except OSError:
                        self.peer = None
                self.ended = not data
                if self.ended and self.peer:
                    self.peer.shutdown(socket.SHUT_RDWR)
                self.changed.notify_all()
            if not data:
                return

    def fail(self, why):
        self.qemu.kill()
        self.qemu.wait()
        tail = bytes(self.text[-1500:]).decode('latin1')
        sys.exit('device.py: %s (QEMU status %s); the device said:\n%s' % (why, self.qemu.poll(), tail))

    def wait_for(self, found, what):
        end = time.monotonic() + self.opts.within
        with self.changed:
            while not found():
                left = end - time.monotonic()
                if left <= 0 or (self.ended and self.qemu.poll() is not None):
                    if found(): # it may have ended since we looked
                        return
                    self.fail('no "%s"' % what)
                self.changed.wait(min(left, 0.2))

    def wait(self, text):
        word = text.encode()
        self.wait_for(lambda: self.text.find(word, self.at) >= 0, text)
        self.at = self.text.find(word, self.at) + len(word)

    def with_line(self, command, env=None):
        """Runs a command that has the serial line as a TCP server; its status."""
        server = socket.create_server(('127.0.0.1', 0))
        port = server.getsockname()[1]

        def relay():
            peer, _ = server.accept()
            with self.changed:
                # What the device has said since the last step belongs to the conversation.
                peer.sendall(bytes(self.text[self.at:]))
                self.peer = peer
            while True:
                try:
                    data = peer.recv(4096)
                    if not data:
                        break
                    self.line.sendall(data)
                except OSError:
                    break
            with self.changed:
                self.peer = None

        thread = threading.Thread(target=relay, daemon=True)
        thread.start()
        done = subprocess.run(command(port), env=dict(os.environ, PORT=str(port)),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        server.close()
        self.said = done.stderr.decode('utf8', 'replace')
        return done.returncode

    def send(self, name):
        return self.with_line(lambda port: [os.environ['STMOTA'], '-q', 'ymodem', 'send', '--device',
                                            'tcp:127.0.0.1:%d' % port, '--wait', '60', name])

    def step(self, word):
        what, _, arg = word.partition('=')
        if what == 'wait':
            self.wait(arg)
        elif what == 'key':
            self.line.sendall(arg.encode())
        elif what == 'send':
            if self.send(arg) != 0:
                self.fail('sending %s failed: %s' % (arg, self.said))
        elif what == 'refuse':
            if self.send(arg) == 0:
                self.fail('%s was taken' % arg)
        elif what == 'run':
            if self.with_line(lambda port: ['sh', '-c', arg]) != 0:
                self.fail('%s: %s' % (arg, self.said))
        elif what == 'cut':
            word = arg.encode()
            dead = lambda: self.qemu.poll() in (77, -signal.SIGKILL)
            self.wait_for(lambda: dead() or self.text.find(word, self.at) >= 0, arg)
            if self.text.find(word, self.at) < 0:
                return False
            self.at = self.text.find(word, self.at) + len(word)
        elif what == 'doom':
            doom = threading.Timer(int(arg) / 1000, self.qemu.kill)
            doom.daemon = True
            doom.start()
        elif what == 'kill':
            goal = len(self.text) + int(arg)
            self.wait_for(lambda: len(self.text) >= goal, '%s bytes' % arg)
            self.qemu.kill()
        else:
            sys.exit('device.py: no step ' + what)
        return True


def main():
    args = argparse.ArgumentParser()
    args.add_argument('--arg', default='')
    args.add_argument('--cwd', default='.')
    args.add_argument('--log')
    args.add_argument('--within', type=float, default=400)
    args.add_argument('flash')
    args.add_argument('loader')
    args.add_argument('steps', nargs='*')
    opts = args.parse_args()
    opts.flash, opts.loader = os.path.abspath(opts.flash), os.path.abspath(opts.loader)
    device = Device(opts)
    try:
        for word in opts.steps:
            if not device.step(word):
                break
    finally:
        device.qemu.kill()
        device.qemu.wait()


main()
