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
const MACHINE: u8 = 3;

impl Failure {
    /// 1 the data did not pass the checks, 2 usage or configuration, 3 the machine.
    pub fn exit_code(&self) -> ExitCode {
        let lake = |error: &LakeError| match error {
            LakeError::UnknownTable { .. } | LakeError::Empty { .. } | LakeError::NoSnapshot { .. } => USAGE,
            LakeError::Engine { context, .. } if context == "the query was refused" => USAGE,
            _ => MACHINE,
        };
        ExitCode::from(match self {
            Self::Lake(error)
            | Self::Pipeline(PipelineError::Lake(error))
            | Self::Measure(MeasureError::Lake(error)) => lake(error),
            Self::Pipeline(error) => match error {
                PipelineError::Mapping { .. } | PipelineError::UnknownSource { .. } | PipelineError::NoFiles { .. } => {
                    USAGE
                }
                PipelineError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => USAGE,
                PipelineError::File { .. } => DATA,
                _ => MACHINE,
            },
            Self::Usage(_)
            | Self::Measure(
                MeasureError::Definition { .. }
                | MeasureError::UnknownMeasure { .. }
                | MeasureError::UnknownWorklist { .. }
                | MeasureError::Setting { .. }
                | MeasureError::Deck { .. },
            )
            | Self::Report(ReportError::SubjectLists { .. } | ReportError::Locale { .. }) => USAGE,
            Self::Measure(MeasureError::Engine { .. }) | Self::Machine(_) | Self::Report(_) | Self::Sample(_) => {
                MACHINE
            }
        })
    }
}
