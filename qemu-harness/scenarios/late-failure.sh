# shellcheck shell=bash
# The boot comes up, but not well: it is not blessed.
right_base
on_layer used
refuse "the boot was not blessed" systemctl --quiet is-active veneer-bless.service
# That a unit failed is the point.
calm() { :; }
