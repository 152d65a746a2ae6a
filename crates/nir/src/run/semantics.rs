/// How NIR's equations become time steps. The defaults are NIR's own words, with steps of one time unit; importers differ.
///
/// In a step of length `dt`, with decay 1 and forward Euler differences:
///
/// ```text
/// I        v ← v + dt·r·I
/// LI       v ← v + dt/τ·(v_leak − v + r·I)
/// CubaLI   i ← i + dt/τ_syn·(−i + w_in·S);  v ← v + dt/τ_mem·(v_leak − v + r·i)
/// IF       v ← decay·v + dt·r·I
/// LIF, CubaLIF as LI, CubaLI
/// fire     z = [v > v_threshold]        or ≥;  with `multiple` ⌊v / v_threshold⌋ where it fires
/// reset    v ← v_reset where z > 0      or v − z·v_threshold
/// floor    v ← max(v, −floor·v_threshold)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Semantics {
    /// Length of a step, in the unit of the time constants.
    pub dt: f64,
    /// What becomes of the membrane when a neuron fires.
    pub reset: Reset,
    /// Whether the threshold itself fires.
    pub fires: Fires,
    /// Whether a step can send as many spikes as thresholds are in the membrane.
    pub multiple: bool,
    /// The lowest membrane potential, in thresholds below 0.
    pub floor: Option<f64>,
    /// What is left of an IF's membrane from step to step; NIR says all, 1.
    pub decay: f64,
}

/// What becomes of a membrane that fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// It becomes `v_reset`.
    #[default]
    ToReset,
    /// `v_threshold` is taken off.
    Subtract,
}

/// When a membrane fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fires {
    /// `v > v_threshold`.
    #[default]
    Above,
    /// `v ≥ v_threshold`.
    AtLeast,
}

impl Default for Semantics {
    fn default() -> Self {
        Self { dt: 1.0, reset: Reset::default(), fires: Fires::default(), multiple: false, floor: None, decay: 1.0 }
    }
}

impl Semantics {
    /// Spikes of a membrane, and the membrane afterwards.
    pub(super) fn fire(&self, v: f64, threshold: f64, v_reset: f64) -> (f64, f64) {
        let fires = match self.fires {
            Fires::Above => v > threshold,
            Fires::AtLeast => v >= threshold,
        };
        let spikes = match fires {
            true if self.multiple && threshold > 0.0 => (v / threshold).floor().max(1.0),
            true => 1.0,
            false => 0.0,
        };
        let after = match self.reset {
            _ if !fires => v,
            Reset::ToReset => v_reset,
            Reset::Subtract => v - spikes * threshold,
        };
        (spikes, self.floor.map_or(after, |floor| after.max(-floor * threshold)))
    }
}
