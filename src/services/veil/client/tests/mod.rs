//! The client against simulated controllers.
