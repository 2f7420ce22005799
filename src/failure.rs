//! One rendering of everything that can go wrong, and its exit code.

use std::process::ExitCode;

use carecoord_lake::LakeError;
use carecoord_measures::MeasureError;
use carecoord_pipeline::PipelineError;
use carecoord_reports::ReportError;
use carecoord_sample_data::SampleError;

/// What went wrong, for the user.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Usage or configuration.
    #[error("{0}")]
    Usage(String),
    /// Whoever read standard output has gone away, which is no error.
    #[error("nobody reads standard output")]
    NobodyReads,
    /// The machine.
    #[error("{0}")]
    Machine(String),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The pipeline.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Measures.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// Reports.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Sample data.
    #[error(transparent)]
    Sample(#[from] SampleError),
}

/// The data did not pass the checks.
pub const DATA: u8 = 1;
const USAGE: u8 = 2;
/// The machine could not do it.
pub const MACHINE: u8 = 3;

impl Failure {
    /// 1 the data did not pass the checks, 2 usage or configuration, 3 the machine.
    pub fn exit_code(&self) -> ExitCode {
        let lake = |error: &LakeError| match error {
            LakeError::UnknownTable { .. }
            | LakeError::Empty { .. }
            | LakeError::NoSnapshot { .. }
            | LakeError::NotAFile { .. } => USAGE,
            LakeError::Engine { context, .. } if context == carecoord_lake::sql::REFUSED => USAGE,
            _ => MACHINE,
        };
        ExitCode::from(match self {
            Self::NobodyReads => 0,
            Self::Lake(error)
            | Self::Pipeline(PipelineError::Lake(error))
            | Self::Measure(MeasureError::Lake(error)) => lake(error),
            Self::Pipeline(error) => match error {
                PipelineError::Mapping { .. }
                | PipelineError::Setting { .. }
                | PipelineError::UnknownSource { .. }
                | PipelineError::NoFiles { .. } => USAGE,
                PipelineError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => USAGE,
                PipelineError::File { .. } => DATA,
                _ => MACHINE,
            },
            Self::Usage(_)
            | Self::Measure(
                MeasureError::Definition { .. }
                | MeasureError::UnknownMeasure { .. }
                | MeasureError::UnknownWorklist { .. }
                | MeasureError::NoWorklist { .. }
                | MeasureError::Setting { .. }
                | MeasureError::Deck { .. },
            )
            | Self::Report(
                ReportError::SubjectLists { .. }
                | ReportError::Locale { .. }
                | ReportError::OutputName { .. }
                | ReportError::NotAReport { .. },
            ) => USAGE,
            Self::Measure(MeasureError::Engine { .. }) | Self::Machine(_) | Self::Report(_) | Self::Sample(_) => {
                MACHINE
            }
        })
    }
}
