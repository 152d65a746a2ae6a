//! One suite for every engine: whatever runs a spiking network gives the spikes that the reference engine gives, and the
//! reference gives those that were worked out by hand. A new engine is one row of [`harness::ENGINES`].

mod branches;
mod encoding;
mod folded_by_hand;
mod generator;
mod harness;
mod integer_networks;
mod integers;
mod neurons;
mod online;
mod pipeline;
mod pooling;
mod random;
mod records;
mod signed;
mod streaming;
mod streaming_neurons;
mod streaming_random;
