# shellcheck shell=bash
# rd.veneer.mode=pristine: Veneer ran, and left the base bare as asked.
right_base
pristine disabled
