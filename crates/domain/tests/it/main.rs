//! The workflow as a whole: requests that walk it, whatever happens to them on the way.
#![expect(clippy::unwrap_used, clippy::unwrap_in_result, reason = "tests")]

mod briefs;
mod chats;
mod contact;
mod documents;
mod dry_runs;
mod effects;
mod files;
mod handles;
mod later_events;
mod life;
mod links;
mod merged;
mod merging;
mod outcomes;
mod polygons;
mod reentry;
mod required;
mod rows;
mod slots;
mod spam_gate;
mod status;
mod steps;
mod world;
