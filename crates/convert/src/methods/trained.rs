//! Methods whose networks are trained for them. They have their rows, and refuse to convert what was not: the conversion would
//! be another method under a wrong name.

use spikeconverter_engine::Batch;
use spikeconverter_graph::Graph;

use super::{Method, MethodInfo};
use crate::{Conversion, ConvertError, Options};

/// A method that needs training: its row, and what it needs.
pub(super) struct Trained {
    info: MethodInfo,
    reason: &'static str,
}

impl Method for Trained {
    fn info(&self) -> MethodInfo {
        self.info.clone()
    }

    fn convert(
        &self,
        _: &Graph,
        _: &Batch,
        _: &Options,
        _: &mut dyn FnMut(usize, usize) -> Result<(), ConvertError>,
    ) -> Result<Conversion, ConvertError> {
        Err(ConvertError::Training { method: self.info.name, reason: self.reason })
    }
}

/// What rows of these methods have in common.
const TRAINED: MethodInfo = MethodInfo {
    needs_calibration: false,
    needs_training: true,
    structures_here: "none: networks are not trained here",
    options: &[],
    ..MethodInfo::STREAM
};

pub(super) static SOFT_LIF: Trained = Trained {
    info: MethodInfo {
        name: "soft-lif",
        paper: "Hunsberger and Eliasmith, Training Spiking Deep Networks for Neuromorphic Hardware, 2016",
        year: 2016,
        neuron: "leaky integrate-and-fire with refractory period",
        structures_published: "convolution, average pooling",
        figures: "CIFAR-10: 82.95 (2015), from a secondary source",
        when: "Where leaky neurons with a refractory period are given, and the network can be trained for them, with \
               noise on its activations. A network with ReLU goes to `rueckauer2017`, whose neurons do not leak.",
        ..TRAINED
    },
    reason: "activations are smoothed rates of leaky neurons, with noise; for a network with ReLU use --method rueckauer2017",
};

pub(super) static TDSNN: Trained = Trained {
    info: MethodInfo {
        name: "tdsnn",
        paper: "Zhang et al., TDSNN: From Deep Neural Networks to Deep Spike Neural Networks with Temporal-Coding, AAAI 2019",
        year: 2019,
        neuron: "leaky integrate-and-fire with ticking neurons",
        code: "reverse time to first spike",
        structures_published: "convolution, linear, max pooling",
        figures: "42 % fewer operations at a loss of 0.5 % at most on ImageNet (abstract)",
        when: "Where a neuron must not fire more than once a sample, and the network can be trained anew for it. Of a \
               network with ReLU `hanroy2020` puts values into the time between two spikes.",
        ..TRAINED
    },
    reason: "it is trained anew with an activation that suits the leak; for one spike a value use --method hanroy2020",
};

pub(super) static HYBRID: Trained = Trained {
    info: MethodInfo {
        name: "hybrid",
        paper: "Rathi et al., Enabling Deep Spiking Neural Networks with Hybrid Conversion and Spike Timing Dependent \
                Backpropagation, ICLR 2020",
        year: 2020,
        neuron: "leaky integrate-and-fire, reset by subtraction",
        structures_published: "convolution, linear, residual, average pooling; no biases, no batch normalisation",
        figures: "VGG-16 on CIFAR-10: 92.02 at T = 200",
        when: "Where labels and time for training through spikes are at hand, to bring a converted network to fewer \
               steps. Without, convert by `sengupta2019`, which it starts from, or better by `li2021-advanced`, which \
               fits weights without labels.",
        ..TRAINED
    },
    reason: "the converted network is trained on through its spikes; its conversion alone is --method sengupta2019",
};

pub(super) static TCL: Trained = Trained {
    info: MethodInfo {
        name: "tcl",
        paper: "Ho and Chang, TCL: An ANN-to-SNN Conversion with Trainable Clipping Layers, DAC 2021",
        year: 2021,
        neuron: "integrate-and-fire, reset by subtraction",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "ImageNet VGG-16 73.87, ResNet-34 70.37 at T = 250 (abstract)",
        when: "While a network is still to be trained: bounds that are learnt keep thresholds free of outliers. A \
               network that has them as clips is converted by `bu2022`, whose thresholds are the clips' bounds.",
        ..TRAINED
    },
    reason: "its bounds of activations are trained; a network that has them as clips is converted by --threshold-rule bound",
};

pub(super) static SPIKE_THRIFT: Trained = Trained {
    info: MethodInfo {
        name: "spike-thrift",
        paper: "Kundu et al., Spike-Thrift: Towards Energy-Efficient Deep Spiking Neural Networks by Limiting Spiking Activity \
                via Attention-Guided Compression, WACV 2021",
        year: 2021,
        neuron: "leaky integrate-and-fire, reset by subtraction",
        structures_published: "convolution, linear, residual",
        figures: "up to 33.4 times smaller networks (abstract)",
        when: "Where memory for weights is short, and the network can be pruned and trained once more as a spiking \
               one. A pruned network is converted by any method, `spikeconverter` first.",
        ..TRAINED
    },
    reason: "weights are pruned and the spiking network is trained; a pruned network is converted by any other method",
};

pub(super) static CQ: Trained = Trained {
    info: MethodInfo {
        name: "cq",
        paper: "Yan et al., Near Lossless Transfer Learning for Spiking Neural Networks, AAAI 2021",
        year: 2021,
        neuron: "integrate-and-fire, reset by subtraction",
        structures_published: "convolution, linear",
        figures: "CIFAR-10: 94.16 with 7 layers, 93.44 with VGG-19 (abstract)",
        when: "While a network is still to be trained, for plain neurons and long simulations. A network that has the \
               clamp as a clip is converted by `bu2022`, with the clip's bound as threshold.",
        ..TRAINED
    },
    reason: "activations are clamped and quantised while it is trained; a network that has the clamp as a clip is converted by \
             --threshold-rule bound",
};

pub(super) static QCFS: Trained = Trained {
    info: MethodInfo {
        name: "qcfs",
        paper: "Bu et al., Optimal ANN-SNN Conversion for High-Accuracy and Ultra-Low-Latency Spiking Neural Networks, ICLR 2022",
        year: 2022,
        neuron: "integrate-and-fire, reset by subtraction, from half the threshold",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "CIFAR-10 VGG-16 (trained 95.52) 93.96 at T = 4, 94.95 at 8; ResNet-18 (trained 96.04) 90.43, 94.82",
        when: "The usual training for plain rate codes of few steps. Exported with the clip in the place of the \
               quantised activation, such a network is converted by `bu2022`, its inference rule, or by `srp` and \
               `cos`; of networks that cannot be trained again, `group` makes more of few steps, and `li2021-advanced` \
               of plain neurons.",
        ..TRAINED
    },
    reason: "its quantised activation is trained; its inference rule on any network is --method bu2022",
};

pub(super) static FAST_SNN: Trained = Trained {
    info: MethodInfo {
        name: "fast-snn",
        paper: "Hu et al., Fast-SNN: Fast Spiking Neural Network by Converting Quantized ANN, TPAMI 2023",
        year: 2023,
        neuron: "integrate-and-fire, reset by subtraction, whose negative spikes take back what was sent",
        code: "rate, signed spikes",
        structures_published: "convolution, linear, residual",
        figures: "ImageNet VGG-16 71.31 at T = 3, from a secondary source",
        when: "Where training with quantised activations is possible and spikes may be negative: 2^b levels are sent \
               within 2^b − 1 steps. A network that was not trained for it gets the same neuron from `gao2023`, and \
               fewer steps from `dcgs`.",
        ..TRAINED
    },
    reason: "it starts from a quantised network and trains the spiking one layer by layer; its neuron is --neuron ternary",
};

pub(super) static SLIP_RELU: Trained = Trained {
    info: MethodInfo {
        name: "sliprelu",
        paper: "Jiang et al., A Unified Optimization Framework of ANN-SNN Conversion: Towards Optimal Mapping from Activation \
                Values to Firing Rates, ICML 2023",
        year: 2023,
        neuron: "integrate-and-fire, reset by subtraction",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "ResNet-18 on CIFAR-10: 93.11 at T = 1, from a secondary source",
        when: "Where a network is trained for one or two steps of plain neurons. Of one that was not, `group` or \
               `dcgs` makes the most in so few.",
        ..TRAINED
    },
    reason: "its activation between a slope and steps is trained; the inference rule on any network is --method bu2022",
};
