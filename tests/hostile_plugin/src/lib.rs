//! A plugin that misbehaves on request, for the host's tests.
