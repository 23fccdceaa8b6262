#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges a report page: valid UTF-8, elements closed in order, nothing active, nothing outside.

usage: check_page.py FILE
"""
import html.parser, re, sys

ALLOWED = set(
    "html head meta title style body svg defs symbol path circle use line main header footer section "
    "div p h1 h2 h3 b small span ul li table thead tbody tr th td time details summary pre code".split()
)
VOID = {"meta"}
SELF = {"path", "circle", "use", "line"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.uses = [], set(), set()

    def wrong(self, what):
        sys.exit(f"{sys.argv[1]}:{self.getpos()[0]}: {what}")

    def attributes(self, tag, attrs):
        if tag not in ALLOWED:
            self.wrong(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "srcset", "action", "data", "xlink:href"):
                self.wrong(f"{tag} {name}")
            if name == "href":
                if not value.startswith("#"):
                    self.wrong(f"{tag} href={value}")
                self.uses.add(value[1:])
            if name == "id":
                self.ids.add(value)
            if name == "style" and re.search(r"url|expression|[^a-z0-9:;.% -]", value):
                self.wrong(f"style {value}")

    def handle_starttag(self, tag, attrs):
        self.attributes(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes(tag, attrs)
        if tag not in SELF:
            self.wrong(f"<{tag}/>")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong(f"</{tag}>")

    def handle_comment(self, data):
        self.wrong("a comment")

    def unknown_decl(self, data):
        self.wrong("a declaration")


text = open(sys.argv[1], "rb").read().decode("utf-8")
for c in text:
    if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or ord(c) in range(0x202A, 0x202F):
        sys.exit(f"{sys.argv[1]}: control character {ord(c):#x}")
page = Page()
page.feed(text)
page.close()
if page.open:
    sys.exit(f"{sys.argv[1]}: not closed: {page.open}")
if page.uses - page.ids:
    sys.exit(f"{sys.argv[1]}: marks that are not there: {page.uses - page.ids}")
if re.search(r"@import|url\(", text[text.index("<style>") : text.index("</style>")]):
    sys.exit(f"{sys.argv[1]}: the style loads something")
if "default-src 'none'" not in text:
    sys.exit(f"{sys.argv[1]}: no policy")
