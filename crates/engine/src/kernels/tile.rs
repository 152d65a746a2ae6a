//! The innermost loop of everything with weights: sixteen result channels side by side in a vector, for eight
//! positions at a time, so that each weight that is loaded serves eight products.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a tile.

/// Result channels in a panel of weights.
pub(crate) const LANES: usize = 16;
/// Positions in a tile.
pub(super) const POSITIONS: usize = 8;

/// Sums for one panel: a vector of channels for each position.
pub(super) type Sums = [[f32; LANES]; POSITIONS];

/// What to read for each term of a sum, relative to a position's base.
#[derive(Debug, Clone)]
pub(super) struct Offsets {
    table: Vec<u32>,
    /// Not less than any of the table.
    reach: usize,
}

impl Offsets {
    /// Offsets; `None` when one is beyond 2^32.
    pub(super) fn new(offsets: impl Iterator<Item = usize>) -> Option<Self> {
        let table = offsets.map(|offset| u32::try_from(offset).ok()).collect::<Option<Vec<u32>>>()?;
        let reach = table.iter().copied().max().unwrap_or(0) as usize;
        Some(Self { table, reach })
    }

    /// Number of terms.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

/// A loop that the compiler turns into vectors. A closure will not do: only what is inlined gets the instructions of its
/// surroundings.
pub(super) trait Loop {
    /// Runs the loop. To be marked `#[inline(always)]`.
    fn run(self);
}

/// The instructions that the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Instructions {
    /// What this machine has, the fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Self::Avx2);
            }
        }
        all.push(Self::Portable);
        all
    }

    /// Runs a loop, letting the compiler use these instructions in it.
    pub(super) fn with(self, f: impl Loop) {
        match self {
            // SAFETY: the instructions are there: this variant is only made where they were detected.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { x86::with_avx512(f) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::with_avx2(f) },
            Self::Portable => f.run(),
        }
    }
}

/// `sums[n][p] += Σ_k panels[n][k] · x[bases[p] + offsets[k]]` for each panel `n` and position `p`, where `panels[n][k]`
/// is the vector at `panels[n][16 k ..]`. Terms are added in order of `k`, so that a sum does not depend on its
/// neighbours.
///
/// # Panics
/// When a base is too large for `x`, or a panel has not 16 weights for each offset.
pub(super) fn accumulate<const N: usize>(
    instructions: Instructions,
    x: &[f32],
    bases: &[usize; POSITIONS],
    offsets: &Offsets,
    panels: [&[f32]; N],
    sums: &mut [Sums; N],
) {
    let last = bases.iter().copied().max().unwrap_or(0);
    assert!(last < x.len() && offsets.reach < x.len() - last, "a tile must read within its input");
    assert!(panels.iter().all(|panel| panel.len() == LANES * offsets.len()), "a panel must match the offsets");
    match instructions {
        // SAFETY: the instructions are there: this variant is only made where they were detected. Every base plus
        // every offset lies within `x`, every panel has sixteen values for each offset: both just checked.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { x86::avx512(x, bases, &offsets.table, panels, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { x86::avx2(x, bases, &offsets.table, panels, sums) },
        Instructions::Portable => portable(x, bases, &offsets.table, panels, sums),
    }
}

/// Rows for channels instead of positions.
pub(super) fn transpose(instructions: Instructions, sums: &Sums) -> [[f32; POSITIONS]; LANES] {
    match instructions {
        // SAFETY: the instructions are there: these variants are only made where they were detected.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 | Instructions::Avx2 => unsafe { x86::transpose(sums) },
        Instructions::Portable => std::array::from_fn(|lane| std::array::from_fn(|p| sums[p][lane])),
    }
}

fn portable<const N: usize>(
    x: &[f32],
    bases: &[usize; POSITIONS],
    offsets: &[u32],
    panels: [&[f32]; N],
    sums: &mut [Sums; N],
) {
    for (panel, sums) in panels.iter().zip(sums) {
        for (sum, &base) in sums.iter_mut().zip(bases) {
            let mut lanes = *sum;
            for (weights, &offset) in panel.chunks_exact(LANES).zip(offsets) {
                let x = x[base + offset as usize];
                for (lane, w) in lanes.iter_mut().zip(weights) {
                    *lane += w * x;
                }
            }
            *sum = lanes;
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_shuffle_ps,
        _mm256_storeu_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::{LANES, Loop, POSITIONS, Sums};

    /// # Safety
    /// The machine has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn with_avx512(f: impl Loop) {
        f.run();
    }

    /// # Safety
    /// The machine has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn with_avx2(f: impl Loop) {
        f.run();
    }

    /// # Safety
    /// The machine has AVX-512F; each base plus each offset lies within `x`; each panel holds 16 values an offset.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512<const N: usize>(
        x: &[f32],
        bases: &[usize; POSITIONS],
        offsets: &[u32],
        panels: [&[f32]; N],
        sums: &mut [Sums; N],
    ) {
        let mut vectors = [[_mm512_setzero_ps(); POSITIONS]; N];
        let mut reads = [x.as_ptr(); POSITIONS];
        // SAFETY: a row of `sums` is 16 values; the rest is this function's contract.
        unsafe {
            for p in 0..POSITIONS {
                reads[p] = x.as_ptr().add(bases[p]);
                for n in 0..N {
                    vectors[n][p] = _mm512_loadu_ps(sums[n][p].as_ptr());
                }
            }
            for (k, &offset) in offsets.iter().enumerate() {
                let mut weights = [_mm512_setzero_ps(); N];
                for n in 0..N {
                    weights[n] = _mm512_loadu_ps(panels[n].as_ptr().add(LANES * k));
                }
                for p in 0..POSITIONS {
                    let value = _mm512_set1_ps(*reads[p].add(offset as usize));
                    for n in 0..N {
                        vectors[n][p] = _mm512_fmadd_ps(weights[n], value, vectors[n][p]);
                    }
                }
            }
            for n in 0..N {
                for p in 0..POSITIONS {
                    _mm512_storeu_ps(sums[n][p].as_mut_ptr(), vectors[n][p]);
                }
            }
        }
    }

    /// # Safety
    /// The machine has AVX.
    #[target_feature(enable = "avx")]
    pub(super) unsafe fn transpose(sums: &Sums) -> [[f32; POSITIONS]; LANES] {
        let mut rows = [[0.0; POSITIONS]; LANES];
        for half in [0, 8] {
            let mut pairs = [_mm256_setzero_ps(); 8];
            let mut fours = [_mm256_setzero_ps(); 8];
            // SAFETY: half a row of `sums` and a row of `rows` are 8 values.
            unsafe {
                // Elements of two rows alternate, then of four; then halves of the vectors change places.
                for i in 0..4 {
                    let (even, odd) = (sums[2 * i].as_ptr().add(half), sums[2 * i + 1].as_ptr().add(half));
                    let (even, odd) = (_mm256_loadu_ps(even), _mm256_loadu_ps(odd));
                    pairs[2 * i] = _mm256_unpacklo_ps(even, odd);
                    pairs[2 * i + 1] = _mm256_unpackhi_ps(even, odd);
                }
                for i in [0, 4] {
                    for j in [0, 1] {
                        fours[i + 2 * j] = _mm256_shuffle_ps::<0b01_00_01_00>(pairs[i + j], pairs[i + 2 + j]);
                        fours[i + 2 * j + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(pairs[i + j], pairs[i + 2 + j]);
                    }
                }
                for i in 0..4 {
                    let (low, high) = (fours[i], fours[i + 4]);
                    let row = rows[half + i].as_mut_ptr();
                    _mm256_storeu_ps(row, _mm256_permute2f128_ps::<0x20>(low, high));
                    let row = rows[half + 4 + i].as_mut_ptr();
                    _mm256_storeu_ps(row, _mm256_permute2f128_ps::<0x31>(low, high));
                }
            }
        }
        rows
    }

    /// Positions that fit into the registers of AVX2.
    const HALF: usize = POSITIONS / 2;

    /// # Safety
    /// The machine has AVX2 and FMA; each base plus each offset lies within `x`; each panel holds 16 values an offset.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2<const N: usize>(
        x: &[f32],
        bases: &[usize; POSITIONS],
        offsets: &[u32],
        panels: [&[f32]; N],
        sums: &mut [Sums; N],
    ) {
        for n in 0..N {
            for start in [0, HALF] {
                let mut vectors = [[_mm256_setzero_ps(); 2]; HALF];
                let mut reads = [x.as_ptr(); HALF];
                // SAFETY: a row of `sums` is two vectors of 8 values; the rest is this function's contract.
                unsafe {
                    for p in 0..HALF {
                        reads[p] = x.as_ptr().add(bases[start + p]);
                        let sum = sums[n][start + p].as_ptr();
                        vectors[p] = [_mm256_loadu_ps(sum), _mm256_loadu_ps(sum.add(8))];
                    }
                    for (k, &offset) in offsets.iter().enumerate() {
                        let weights = panels[n].as_ptr().add(LANES * k);
                        let (low, high) = (_mm256_loadu_ps(weights), _mm256_loadu_ps(weights.add(8)));
                        for p in 0..HALF {
                            let value = _mm256_set1_ps(*reads[p].add(offset as usize));
                            vectors[p][0] = _mm256_fmadd_ps(low, value, vectors[p][0]);
                            vectors[p][1] = _mm256_fmadd_ps(high, value, vectors[p][1]);
                        }
                    }
                    for p in 0..HALF {
                        let sum = sums[n][start + p].as_mut_ptr();
                        _mm256_storeu_ps(sum, vectors[p][0]);
                        _mm256_storeu_ps(sum.add(8), vectors[p][1]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    #[test]
    fn all_instructions_give_the_definition() {
        let mut dice = Dice(7);
        for depth in [0, 1, 2, 31] {
            let x = dice.values(100);
            let bases = std::array::from_fn(|p| p * 9);
            let terms: Vec<usize> = (0..depth).map(|_| dice.pick(0, 30)).collect();
            let offsets = Offsets::new(terms.iter().copied()).unwrap();
            let panels = [dice.values(LANES * depth), dice.values(LANES * depth)];
            for instructions in Instructions::available() {
                let mut sums = [[[0.5; LANES]; POSITIONS]; 2];
                accumulate(instructions, &x, &bases, &offsets, [&panels[0], &panels[1]], &mut sums);
                for (panel, sums) in panels.iter().zip(sums) {
                    for (p, lanes) in sums.iter().enumerate() {
                        for (lane, sum) in lanes.iter().enumerate() {
                            let terms = terms.iter().enumerate();
                            let expected =
                                0.5 + terms.map(|(k, t)| panel[k * LANES + lane] * x[bases[p] + t]).sum::<f32>();
                            assert!((sum - expected).abs() < 1e-5, "{instructions:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn all_instructions_transpose() {
        let sums: Sums = std::array::from_fn(|p| std::array::from_fn(|lane| (p * 100 + lane) as f32));
        for instructions in Instructions::available() {
            let rows = transpose(instructions, &sums);
            for (lane, row) in rows.iter().enumerate() {
                assert_eq!(*row, std::array::from_fn(|p| (p * 100 + lane) as f32), "{instructions:?}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "within its input")]
    fn reading_beyond_the_input_is_refused() {
        let offsets = Offsets::new([0, 3].into_iter()).unwrap();
        let panel = [0.0; 2 * LANES];
        let bases = [0, 0, 0, 0, 0, 0, 0, 1];
        accumulate(Instructions::Portable, &[0.0; 4], &bases, &offsets, [&panel], &mut [[[0.0; LANES]; POSITIONS]]);
    }
}
