//! The command line as its users meet it: every test runs the program.

mod bad_input;
mod book;
mod commands;
mod common;
mod compare;
mod explain;
mod nir;
mod real_data;
mod search;
mod snapshots;
