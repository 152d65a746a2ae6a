//! Passes that bring a graph to its normal form.
