"""dnf4 plugin: after each transaction, what the layer shadows is written down, and everything is on disk. Before it, a
guarded /usr is opened."""

import logging
import os
import subprocess

import dnf


class Veneer(dnf.Plugin):
    name = "veneer"

    def pre_transaction(self):
        self.veneer("guard", "open", str(os.getpid()))

    def transaction(self):
        self.veneer("record")

    def veneer(self, *words):
        # Nothing to do on a boot without a layer, in a container, or while an image is built.
        if not os.path.exists("/run/veneer/status.json"):
            return
        try:
            subprocess.run(["/usr/bin/veneer", "--quiet", *words], check=False)
        except OSError as error:
            logging.getLogger("dnf.plugin").warning("veneer: %s", error)
