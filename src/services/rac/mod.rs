//! Clusters of 1C:Enterprise servers, administered over the protocol of the administration server or through `rac`.
//!
//! [`table`] is what there is to administer; [`wire`] is bytes and the utility's texts, and is pure.

pub mod table;
pub mod wire;
