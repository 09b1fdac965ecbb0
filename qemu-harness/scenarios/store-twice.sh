# shellcheck shell=bash
# Two partitions claim to be the store. Taking either would be a guess that the next boot may make otherwise.
right_base
pristine store-unusable
