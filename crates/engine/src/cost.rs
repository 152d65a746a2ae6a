//! What computing costs, in joule: an estimate to compare networks by, no prediction of a chip.
//!
//! Energies of one operation on 32-bit floating-point numbers in a 45 nm process, from M. Horowitz, "Computing's energy
//! problem (and what we can do about it)", ISSCC 2014, pp. 10-14: 3.7 pJ a multiplication, 0.9 pJ an addition. A trained
//! network's multiply-accumulate takes both; a spike that crosses a synapse takes an addition.
//!
//! The model leaves out all else: memory traffic (a DRAM access costs a thousand additions, so that it may decide), the
//! neurons' own updates (threshold comparison, inverse leak, half step), biases, queues of waiting trains, maxima of trains,
//! routing of spikes, and what hardware consumes at rest.

/// Energy of a multiply-accumulate, in joule.
pub const MAC_JOULE: f64 = 4.6e-12;
/// Energy of a synaptic operation, an addition, in joule.
pub const SYNAPTIC_OPERATION_JOULE: f64 = 0.9e-12;

/// Energy of multiply-accumulates and synaptic operations together, in joule.
pub fn energy_joule(macs: f64, synops: f64) -> f64 {
    macs * MAC_JOULE + synops * SYNAPTIC_OPERATION_JOULE
}
