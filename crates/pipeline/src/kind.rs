//! Kinds of errors, for programs that do one thing or another about them.

use spikeconverter_convert::ConvertError;
use spikeconverter_data::Error as DataError;
use spikeconverter_engine::EngineError;
use spikeconverter_network::NetworkError;
use spikeconverter_nir::NirError;
use spikeconverter_onnx::OnnxError;

use crate::Error;

/// Declares kinds, each with its name.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident,)*) => {
        /// What an error is about. The Python package has an exception of each name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorKind { $($(#[doc = $doc])+ $kind,)* }

        impl ErrorKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind),)* }
            }
        }
    };
}

kinds! {
    /// A file that cannot be read or written.
    FileError,
    /// A model's file that is not in order.
    ModelError,
    /// A node of a model that has no counterpart.
    UnsupportedError,
    /// Data that do not serve.
    DataError,
    /// Data in no known format, or damaged.
    DataFormatError,
    /// No samples, or too few.
    EmptyDataError,
    /// Samples of another shape than the model's.
    ShapeError,
    /// Labels that are not those of the samples or of the model.
    LabelError,
    /// A sample that is not finite.
    NotFiniteError,
    /// Preprocessing that contradicts itself, the data or the model.
    PreprocessingError,
    /// Data that are not the 8-bit pixels that a network takes.
    PixelError,
    /// A spiking network that is not in order.
    NetworkError,
    /// A file that is no spiking network's.
    NetworkFormatError,
    /// A model that cannot be converted as asked for.
    ConversionError,
    /// An option that is out of its range or does not go with the others.
    OptionError,
    /// No method of a name.
    MethodError,
    /// A method that needs a network trained for it.
    TrainingNeededError,
    /// Samples that do not serve to calibrate on.
    CalibrationError,
    /// A network that cannot be run.
    RunError,
    /// An engine that does not run such networks.
    EngineChoiceError,
    /// A record that cannot be made.
    RecordingError,
    /// A network that has no such form.
    ExportError,
    /// A network that the program which it is exported for would not run as it is.
    UnfaithfulError,
    /// A file that does not hold the state of a comparison.
    StateError,
    /// Nothing to do, or something that is not there, was asked for.
    RequestError,
    /// Work was stopped from outside.
    Interrupted,
}

impl Error {
    /// What it is about.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Onnx(error) => match **error {
                OnnxError::Read { .. } => ErrorKind::FileError,
                OnnxError::Unsupported { .. } => ErrorKind::UnsupportedError,
                _ => ErrorKind::ModelError,
            },
            Self::Graph { .. } | Self::Inputs { .. } => ErrorKind::ModelError,
            Self::Data(error) => of_data(error),
            Self::Network(error) => of_network(error),
            Self::Convert { source, .. } => of_conversion(source),
            Self::Engine { source, .. } => of_engine(source),
            Self::NotStreaming { .. } => ErrorKind::EngineChoiceError,
            Self::Export { .. } => ErrorKind::ExportError,
            Self::ExportOption { .. } => ErrorKind::OptionError,
            Self::Unfaithful { .. } => ErrorKind::UnfaithfulError,
            Self::Nir(error) => match **error {
                NirError::Io { .. } => ErrorKind::FileError,
                _ => ErrorKind::NetworkFormatError,
            },
            Self::Read { .. } | Self::Write { .. } => ErrorKind::FileError,
            Self::State { .. } => ErrorKind::StateError,
            Self::Interrupted { .. } | Self::SearchInterrupted | Self::Stopped => ErrorKind::Interrupted,
            Self::NothingToSearch | Self::NothingToCompare | Self::RasterImage { .. } | Self::NirSteps { .. } => {
                ErrorKind::RequestError
            }
            Self::TooFewSamples { .. } => ErrorKind::EmptyDataError,
            Self::NeedsTraining { .. } => ErrorKind::TrainingNeededError,
            Self::NoLayer { .. } | Self::Recording { .. } => ErrorKind::RecordingError,
            Self::Method { .. } => ErrorKind::MethodError,
            Self::Label { .. } => ErrorKind::LabelError,
            Self::NotPixels { .. } | Self::PixelRange { .. } => ErrorKind::PixelError,
            Self::Channels { .. } => ErrorKind::ShapeError,
            Self::Feed { .. } => ErrorKind::NetworkFormatError,
        }
    }
}

fn of_data(error: &DataError) -> ErrorKind {
    match error {
        DataError::Io { .. } => ErrorKind::FileError,
        DataError::NotRecognised { .. }
        | DataError::Ambiguous { .. }
        | DataError::SplitMissing { .. }
        | DataError::Malformed { .. }
        | DataError::Length { .. }
        | DataError::Unsupported { .. }
        | DataError::Image { .. } => ErrorKind::DataFormatError,
        DataError::Empty { .. } => ErrorKind::EmptyDataError,
        DataError::Shape { .. } | DataError::Channels { .. } => ErrorKind::ShapeError,
        DataError::LabelCount { .. } | DataError::BadLabel { .. } | DataError::Unlabelled { .. } => {
            ErrorKind::LabelError
        }
        DataError::NotFinite { .. } => ErrorKind::NotFiniteError,
        DataError::Preprocessing { .. } | DataError::PreprocessSyntax { .. } | DataError::NoSuchModel { .. } => {
            ErrorKind::PreprocessingError
        }
        _ => ErrorKind::DataError,
    }
}

fn of_network(error: &NetworkError) -> ErrorKind {
    match error {
        NetworkError::Io { .. } => ErrorKind::FileError,
        NetworkError::Format { .. } => ErrorKind::NetworkFormatError,
        NetworkError::Node { .. } | NetworkError::Network(_) | NetworkError::Graph(_) => ErrorKind::NetworkError,
    }
}

fn of_conversion(error: &ConvertError) -> ErrorKind {
    match error {
        ConvertError::Unsupported { .. } => ErrorKind::UnsupportedError,
        ConvertError::Option { .. } => ErrorKind::OptionError,
        ConvertError::Training { .. } => ErrorKind::TrainingNeededError,
        ConvertError::NoCalibration | ConvertError::NonFinite { .. } => ErrorKind::CalibrationError,
        ConvertError::Stopped => ErrorKind::Interrupted,
        ConvertError::Graph(_) => ErrorKind::ModelError,
        ConvertError::Built(error) => of_network(error),
        ConvertError::Engine(error) => of_engine(error),
        ConvertError::Network(_) => ErrorKind::ConversionError,
    }
}

fn of_engine(error: &EngineError) -> ErrorKind {
    match error {
        EngineError::Simulation { .. } | EngineError::Online { .. } | EngineError::Instructions { .. } => {
            ErrorKind::EngineChoiceError
        }
        EngineError::InputShape { .. } => ErrorKind::ShapeError,
        EngineError::InputValue { .. } => ErrorKind::NotFiniteError,
        _ => ErrorKind::RunError,
    }
}
