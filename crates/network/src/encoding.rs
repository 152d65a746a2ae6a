use serde::{Deserialize, Serialize};

/// How samples enter the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// The preprocessed sample is injected as an analog current: in the first step of the window, where the inverse leak
    /// scales it up with everything else; in every step of a streaming network.
    Analog,
    /// The sample holds integers 0..=255, each sent as its own 8 binary spikes, most significant first, in a window of
    /// 8 steps of base 2 and threshold 128, so that the train stands for the integer itself. Preprocessing is folded
    /// into the first layer. In a streaming network they are sent again every 8 steps, each spike with 8 times its weight,
    /// so that their mean is the integer (weighted spikes, Kim et al. 2018).
    Pixels,
    /// The sample holds integers 0..=255, each sent as a random train with the probability `x/255` of a spike of 255 in each
    /// step (Diehl et al. 2015; streaming networks only). Preprocessing is folded into the first layer.
    Poisson {
        /// Seed of the random numbers.
        seed: u64,
    },
}

impl Encoding {
    /// Steps of the window of [`Encoding::Pixels`].
    pub const PIXEL_STEPS: u32 = 8;
    /// Threshold of the trains of [`Encoding::Pixels`]: the weight of the first spike.
    pub const PIXEL_THRESHOLD: f32 = 128.0;
    /// The largest pixel, which a spike of [`Encoding::Poisson`] carries.
    pub const LARGEST_PIXEL: f32 = 255.0;

    /// Whether samples are integers 0..=255 that enter as spikes.
    pub fn takes_pixels(self) -> bool {
        self != Self::Analog
    }
}
