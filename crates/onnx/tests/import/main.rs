//! Imports of small models made here, one operator family a file.

mod activations;
mod arithmetic;
mod constants;
mod files;
mod heads;
mod hostile;
mod layout;
mod model;
mod pooling;
mod resizing;
mod shapes;
mod synapses;
