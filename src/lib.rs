//! pult
