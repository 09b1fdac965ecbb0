//! Real Debian packages and databases, made and installed with dpkg itself.
