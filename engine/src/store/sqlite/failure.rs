//! From what SQLite says to what a caller can do about it.

use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::store::{Conflict, StoreError};

/// Why a piece of SQL did not do what it was to do.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// It was refused before it wrote anything.
    Refused(StoreError),
    /// SQLite failed, maybe after part of it was written.
    Sqlite(Arc<rusqlite::Error>),
}

impl Failure {
    /// What callers are told; `place` names the database.
    pub(super) fn into_error(self, place: &Arc<str>) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Sqlite(error) => store_error(error, place),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<Conflict> for Failure {
    fn from(conflict: Conflict) -> Self {
        Self::Refused(conflict.into())
    }
}

/// Whether what the disk holds is in doubt after this error.
pub(super) fn leaves_doubt(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DatabaseCorrupt, NotADatabase, OutOfMemory, SystemIoFailure};
    matches!(
        error.sqlite_error_code(),
        Some(CannotOpen | DatabaseCorrupt | NotADatabase | OutOfMemory | SystemIoFailure)
    )
}

/// What a caller can do about an error of SQLite.
pub(super) fn store_error(error: Arc<rusqlite::Error>, place: &Arc<str>) -> StoreError {
    let place = Arc::clone(place);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy {
            place,
            source: error,
        },
        Some(ErrorCode::DiskFull) => StoreError::Full {
            place,
            source: error,
        },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { place },
        Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { place },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt {
            place,
            source: error,
        },
        _ if is_unreadable(&error) => StoreError::Corrupt {
            place,
            source: error,
        },
        _ => StoreError::Failed {
            place,
            source: error,
        },
    }
}

/// Whether a row holds what no version of this program writes.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}
