#!/bin/sh
# A feed's tests run this where the package is installed, with the names of a package and of its version.
[ "$1" = wgpeerselector ] || exit 0
wgpeerselector --version | grep -x -F "wgpeerselector $2" || exit 1
# What is installed has no peer yet.
wgpeerselector check | grep -F 'has no usable peer'
