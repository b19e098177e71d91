//! Invented sources of other channels, as a newcomer would write them: each a folder and a line below. They show that
//! the product's frame carries more than telephone calls.

mod booking;
mod form;

use sources::Source;

/// Both, for [`sources::Sources::with`].
pub static TRIAL: &[&dyn Source] = &[&booking::Booking, &form::Form];
