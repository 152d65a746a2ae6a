//! Which of the instruction sets that kernels are written for the machine has.

/// A set of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 with VNNI: four products of bytes at a time.
    #[cfg(target_arch = "x86_64")]
    Vnni,
    /// AVX2: two products of 16-bit numbers at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every 64-bit ARM processor has: single products of 16-bit numbers.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Loops that the compiler writes in what vectors there are.
    Portable,
}

impl Isa {
    /// All that this machine has, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                found.push(Self::Vnni);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        found.push(Self::Neon);
        found.push(Self::Portable);
        found
    }

    /// The fastest that this machine has.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// Bytes that a thread is to work on at a time, so that they stay in a core's own cache; more where weights have 16 bits
    /// and do not stay there, because loading them serves many samples.
    pub(crate) fn cache(self) -> usize {
        if self.multiplies_words() { 1 << 20 } else { 1 << 19 }
    }

    /// Whether its kernels make codes of so many bytes themselves.
    pub(crate) fn fuses(self, bytes: usize) -> bool {
        // there, sums of bytes are in different passes
        bytes == 1 || self.multiplies_words()
    }

    /// Whether its kernels multiply 16-bit numbers rather than bytes.
    pub(crate) fn multiplies_words(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            Self::Portable => false,
        }
    }
}
