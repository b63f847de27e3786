//! The portal as a client meets it, over real connections.
