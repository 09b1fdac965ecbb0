#!/usr/bin/env python3
"""Draws the pictures of docs/how-it-works.md: python3 docs/pictures/draw.py

A picture is a list of boxes and arrows. Colours are of the picture's own, with a background, so that it can be read on a
light page and on a dark one; a browser that says which it prefers gets the fitting set.
"""

import pathlib
import sys
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).parent
FONT = "ui-sans-serif, system-ui, 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, 'DejaVu Sans Mono', monospace"

# Fill and line of each kind of box; for light pages, and for dark ones.
KINDS = {
    "plain": (("#f6f8fa", "#59636e"), ("#21262d", "#9198a1")),
    "base": (("#ddf4ff", "#0969da"), ("#0c2d4d", "#58a6ff")),
    "layer": (("#dafbe1", "#1a7f37"), ("#0f3320", "#3fb950")),
    "aside": (("#fff8c5", "#9a6700"), ("#3a2d06", "#d29922")),
    "pristine": (("#ffebe9", "#cf222e"), ("#42181b", "#f85149")),
}


def style():
    def theme(number, page, text, faint):
        rules = [f".page{{fill:{page}}}text{{fill:{text}}}.faint{{fill:{faint}}}"]
        rules += [f".arrow{{stroke:{faint}}}.head{{fill:{faint}}}"]
        for kind, colours in KINDS.items():
            fill, line = colours[number]
            rules.append(f".{kind}{{fill:{fill};stroke:{line}}}")
        return "".join(rules)

    light = theme(0, "#ffffff", "#1f2328", "#59636e")
    dark = theme(1, "#0d1117", "#f0f6fc", "#9198a1")
    return (
        f"text{{font:14px {FONT}}}.title{{font-weight:600}}.code{{font:13px {MONO}}}.faint{{font-size:12.5px}}"
        f".arrow{{fill:none;stroke-width:1.5}}rect{{stroke-width:1.2}}{light}"
        f"@media(prefers-color-scheme:dark){{{dark}}}"
    )


class Picture:
    def __init__(self, name, width, height, title):
        self.name, self.width, self.height, self.title = name, width, height, title
        self.parts = []

    def text(self, x, y, words, kind="", anchor="middle"):
        kind = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}"{kind}>{escape(words)}</text>')

    def box(self, x, y, width, height, kind, *lines):
        """Lines that begin with `*` are titles, those with a backquote are code, those with `~` are faint."""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="{kind}"/>')
        first = y + height / 2 - (len(lines) - 1) * 9.5 + 5
        for number, line in enumerate(lines):
            mark = {"*": "title", "`": "code", "~": "faint"}.get(line[:1], "")
            self.text(x + width / 2, first + number * 19, line[1:] if mark else line, mark)

    def arrow(self, *points, label="", at=None):
        path = "M" + " L".join(f"{x} {y}" for x, y in points)
        self.parts.append(f'<path d="{path}" class="arrow" marker-end="url(#head)"/>')
        if label:
            x, y = at or (points[0][0] + 18, points[0][1] + 16)
            self.text(x, y, label, "faint")

    def svg(self):
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<style>{style()}</style>\n"
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0 0L10 5L0 10z" class="head"/></marker></defs>\n'
            f'<rect width="{self.width}" height="{self.height}" rx="8" class="page"/>\n'
        )
        return head + "\n".join(self.parts) + "\n</svg>\n"


def layers():
    p = Picture("layers", 860, 430, "The layers of /usr")
    p.box(20, 20, 520, 74, "plain", "*/usr, as every program sees it", "`bin/bash   bin/tool   sbin/nginx   lib/…")
    p.arrow((280, 140), (280, 98))
    p.text(296, 124, "overlayfs: the uppermost that has a path wins", "faint", "start")
    p.box(20, 144, 520, 92, "layer", "*the layer 0002-…: upper", "`sbin/nginx: added     bin/tool: shadowed",
          "`bin/less: a whiteout, so it is hidden")
    p.box(20, 250, 520, 92, "base", "*the base: image B, read-only", "`bin/bash   bin/tool   bin/less   lib/…",
          "~erofs, ext4, ostree, composefs; with or without dm-verity")
    p.text(280, 370, "The base stays as it is, byte by byte: what is written to /usr goes to the layer.", "faint")
    p.text(280, 390, "Without the layer there is the base alone. That is a pristine boot.", "faint")
    p.box(590, 20, 250, 390, "plain")
    p.text(715, 46, "the store", "title")
    p.text(715, 66, "a partition, or a directory", "faint")
    p.text(715, 83, "of the root file system", "faint")
    p.box(606, 100, 218, 64, "layer", "*0001-3f9c2a1b7d04", "~bound to image A")
    p.box(606, 176, 218, 184, "layer")
    p.text(715, 199, "0002-7c01d24be6aa", "title")
    p.text(715, 219, "bound to image B", "faint")
    p.text(622, 247, "upper/", "code", "start")
    p.text(622, 268, "work/", "code", "start")
    p.text(622, 289, "record/", "code", "start")
    p.text(690, 289, "what B has there", "faint", "start")
    p.text(622, 310, "quarantine/", "code", "start")
    p.text(718, 310, "set aside", "faint", "start")
    p.text(622, 331, "layer, trial", "code", "start")
    p.text(728, 331, "its state", "faint", "start")
    p.text(715, 388, "each layer is bound to one base", "faint")
    p.arrow((606, 247), (574, 247), (574, 190), (544, 190))
    return p


def boot():
    p = Picture("boot", 860, 400, "What happens at a boot")
    p.box(20, 20, 190, 76, "plain", "*kernel command line", "`rd.veneer.…", "*veneer.conf")
    p.arrow((210, 58), (246, 58))
    p.box(250, 20, 200, 76, "plain", "*veneer-generator", "~before any device is there:", "~whether, and when")
    p.arrow((450, 58), (486, 58))
    p.box(490, 20, 350, 76, "plain", "*units", "`run-initramfs-veneer-store.mount", "`veneer-assemble.service")
    p.arrow((665, 96), (665, 116), (94, 116), (94, 166))
    p.text(382, 110, "once /sysroot, /sysroot/usr and the store are mounted, or their time is over", "faint")
    steps = [
        ("*observe", "base, store,", "layers"), ("*judge", "the verdict:", "facts in, no I/O"),
        ("*plan", "steps, which", "can be printed"), ("*apply", "derive, probe,", "then attach"),
        ("*report", "console, journal,", "status.json, motd"),
    ]
    p.text(108, 152, "veneer-assemble", "title", "start")
    for number, lines in enumerate(steps):
        x = 20 + number * 168
        p.box(x, 170, 148, 84, "layer" if lines[0] == "*apply" else "plain", lines[0], *("~" + line for line in lines[1:]))
        if number:
            p.arrow((x - 20, 212), (x - 3, 212))
    p.arrow((262, 254), (262, 284), (766, 284), (766, 258))
    p.text(430, 277, "pristine: nothing is to be applied", "faint")
    p.arrow((598, 254), (598, 272), (752, 272), (752, 258))
    p.text(675, 267, "it failed", "faint")
    p.text(20, 312, "The boot goes on with one of these:", "faint", "start")
    p.box(20, 322, 400, 58, "layer", "*a layer over /sysroot/usr", "~on trial until boot-complete.target is reached")
    p.box(440, 322, 400, 58, "pristine", "*the bare base", "~with a reason; nothing of it was touched")
    return p


def questions(p, rows, y, height, gap, left, right):
    """A chain of questions, downwards; each has an answer that ends it, to the right."""
    (x, width), (answer_x, answer_width) = left, right
    for number, (question, leave, kind, answer, go_on) in enumerate(rows):
        p.box(x, y, width, height, "plain", *question)
        p.arrow((x + width, y + height / 2), (answer_x - 4, y + height / 2), label=leave,
                at=((x + width + answer_x) / 2, y + height / 2 - 6))
        p.box(answer_x, y, answer_width, height, kind, *answer)
        below = y + height + gap
        p.arrow((x + width / 2, y + height), (x + width / 2, below - 4), label=go_on,
                at=(x + width / 2 + 18, y + height + gap / 2 + 4))
        y = below
    return y


def verdict():
    p = Picture("verdict", 860, 996, "The verdict on a boot")
    rows = [
        (("*Is it turned off, or a pristine boot asked for?", "`rd.veneer=0, rd.veneer.mode=pristine"), "yes",
         "pristine", ("*pristine", "`disabled"), "no"),
        (("*Is there a store that can hold a layer,", "*and is nobody else using it?"), "no",
         "pristine", ("*pristine", "`store-missing, store-unusable,", "`store-corrupt, store-busy, no-space"), "yes"),
        (("*Is a layer named?", "`rd.veneer.layer=ID"), "yes",
         "plain", ("*use, if it is whole, and of this base", "~else pristine: incompatible,",
                   "~or store-corrupt, if it is damaged"), "no"),
        (("*Is there a healthy layer of this base?", "~fewer than trials= boots that nobody blessed"), "yes",
         "layer", ("*use", "the newest of them"), "no"),
        (("*Is there any layer of this base?",), "yes",
         "pristine", ("*pristine", "`trial-failed", "~veneer retry gives it another try"), "no"),
        (("*Is there a layer that cannot be read?", "~it may be the one that was used last"), "yes",
         "pristine", ("*pristine", "`store-corrupt"), "no"),
        (("*Is there any layer?",), "no", "layer", ("*bind", "an empty layer to this base"), "yes"),
        (("*May the layer that was used last go to this base?", "~architecture, ID, VENEER_LEVEL, versions="), "no",
         "pristine", ("*pristine", "`incompatible"), "yes"),
    ]
    y = questions(p, rows, 20, 66, 26, (20, 420), (500, 340))
    p.box(20, y, 420, 52, "layer", "*rebase", "derive a layer for this base from it")
    p.arrow((230, y + 52), (230, y + 78))
    y += 82
    p.box(20, y, 420, 66, "plain", "*Derive or make, probe out of sight, attach:", "*does all of it work?")
    p.arrow((440, y + 33), (496, y + 33), label="no", at=(468, y + 27))
    p.box(500, y, 340, 66, "pristine", "*pristine", "`no-space, rebase-failed,", "`probe-failed, mount-failed")
    p.arrow((230, y + 66), (230, y + 88), label="yes")
    p.box(20, y + 92, 420, 46, "layer", "*the boot has the layer", "`ok")
    p.text(670, y + 104, "A mistake in Veneer, anywhere,", "faint")
    p.text(670, y + 122, "ends in a pristine boot, too: internal.", "faint")
    return p


def entry():
    p = Picture("entry", 860, 1010, "The verdict on a file of the layer")
    p.text(20, 36, "U: what the layer has.   A: what the old base had there.   B: what the new base has there.", "faint",
           "start")
    rows = [
        (("*Is it the package database?",), "yes", "plain", ("*drop", "~it is composed anew"), "no"),
        (("*Is the path protected, and B has something there?",), "yes", "aside",
         ("*quarantine", "~drop, if it is B's, A's, or as its package has it"), "no"),
        (("*Is it made from other files?", "~and not of a package of yours that stays"), "yes", "plain",
         ("*drop", "~it is made again"), "no"),
        (("*Has B something else than a directory above it?",), "yes", "aside",
         ("*quarantine", "~drop, if it is A's, or of a package that goes"), "no"),
        (("*Is it of a package that goes?",), "yes", "plain",
         ("*drop", "~quarantine, if you had edited it"), "no"),
        (("*Is it of a package of yours that stays?", "~or in the place of one that you removed"), "yes", "layer",
         ("*keep", "~quarantine, if B has another package's there", "~drop, if B has the same"), "no"),
        (("*Is U the same as B's?",), "yes", "plain", ("*drop",), "no"),
        (("*Has B nothing there?",), "yes", "layer",
         ("*keep", "~drop, if it is A's, unchanged", "~quarantine, if it came from A, and who knows"), "no"),
        (("*Had A something, and is U's content A's, or B's?", "~only mode, owner or attributes may be yours"), "yes", "base",
         ("*drop, or metadata", "~B's content; your change of metadata on it", "~unless B changed the same item"), "no"),
        (("*Is B's type U's, and its content A's?", "~you changed it, and B did not"), "yes", "layer", ("*keep",), "no"),
    ]
    y = questions(p, rows, 54, 62, 26, (20, 420), (500, 340))
    p.box(20, y, 420, 56, "aside", "*quarantine", "both changed it, or what A had is not known")
    return p


def rebase():
    p = Picture("rebase", 860, 470, "A rebase")
    p.box(20, 20, 250, 62, "base", "*image A", "~the old base; known by the record")
    p.box(20, 112, 250, 176, "layer", "*layer 0001, bound to A", "`sbin/nginx", "`bin/tool  (edited)", "`share/mine",
          "`bin/less  (whiteout)", "`lib/x.so  (a copy of A's)")
    p.text(145, 312, "only read; it is there again,", "faint")
    p.text(145, 330, "unchanged, when A is booted", "faint")
    p.arrow((270, 200), (326, 200))
    p.box(330, 112, 200, 176, "plain", "*judge", "every entry,", "every package:", "`keep  metadata  drop", "`hide  unhide  merge",
          "`quarantine")
    p.box(330, 20, 200, 62, "base", "*image B", "~the new base")
    p.arrow((430, 82), (430, 108))
    p.arrow((530, 200), (586, 200))
    p.box(590, 20, 250, 308, "plain")
    p.text(715, 44, "layer 0002.tmp", "title")
    p.box(606, 58, 218, 118, "layer", "*upper", "`sbin/nginx", "`share/mine", "`bin/less  (whiteout)",
          "~the database, composed for B")
    p.box(606, 188, 218, 80, "aside", "*quarantine", "`bin/tool", "~B changed it, too")
    p.text(715, 290, "record: what B has there", "faint")
    p.text(715, 312, "lib/x.so is gone: B has its own", "faint")
    p.arrow((715, 328), (715, 356))
    p.box(590, 360, 250, 56, "plain", "*probe, out of sight", "~pid 1, shell, loader; is it writable?")
    p.arrow((590, 388), (534, 388))
    p.box(330, 360, 200, 56, "plain", "*sync, one rename", "`0002.tmp → 0002")
    p.arrow((330, 388), (274, 388))
    p.box(20, 360, 250, 56, "layer", "*layer 0002, bound to B", "~mounted; on trial")
    p.text(430, 446, "A power cut or an error before the rename leaves layer 0001 and nothing else.", "faint")
    return p


def main():
    differ = []
    for picture in (layers(), boot(), verdict(), entry(), rebase()):
        path, text = HERE / f"{picture.name}.svg", picture.svg()
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            differ.append(path.name)
    if differ:
        sys.exit(f"not what draw.py draws: {', '.join(differ)}; run python3 docs/pictures/draw.py")


if __name__ == "__main__":
    main()
