//! Small models for tests.
