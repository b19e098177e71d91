//! What the edge is held to.

use std::{num::NonZeroU32, time::Duration};

use settings::Reader;
use sources::BotCheckConfig;

/// Least memory for bodies: two of the largest without files, one of a known sender and one of an unknown.
const LEAST_BODY_MEMORY_MIB: usize = 4;

/// What the edge is held to.
#[derive(Debug, Clone)]
pub struct Config {
    /// What a tenant may send.
    pub quota: QuotaConfig,
    /// Invalid signatures that an address may send in a minute before it is limited.
    pub failed_signatures_per_minute: NonZeroU32,
    /// Memory that the bodies of deliveries may take at once. Senders that are not known by their URL have half of it.
    pub body_memory_mib: usize,
    /// How long refusals are kept.
    pub security_events_kept_for: Duration,
    /// What tells people from programs.
    pub bot_checks: BotCheckConfig,
}

/// What a tenant may send.
#[derive(Debug, Clone, Copy)]
pub struct QuotaConfig {
    /// Deliveries a second, over time.
    pub per_second: NonZeroU32,
    /// Deliveries at once.
    pub burst: NonZeroU32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            quota: QuotaConfig::default(),
            failed_signatures_per_minute: NonZeroU32::new(120).expect("not zero"),
            body_memory_mib: 128,
            security_events_kept_for: Duration::from_secs(30 * 24 * 60 * 60),
            bot_checks: BotCheckConfig::default(),
        }
    }
}

impl Default for QuotaConfig {
    fn default() -> Self {
        Self {
            per_second: NonZeroU32::new(100).expect("not zero"),
            burst: NonZeroU32::new(2_000).expect("not zero"),
        }
    }
}

impl Config {
    /// Reads every setting.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let defaults = Self::default();
        let body_memory_mib = reader.get(
            "BODY_MEMORY_MIB",
            defaults.body_memory_mib,
            "MiB that the bodies of deliveries may take at once, those that wait for the store among them. Forms with \
             files need 16 to be taken whatever their size.",
        );
        if body_memory_mib < LEAST_BODY_MEMORY_MIB {
            reader.fault(
                "BODY_MEMORY_MIB",
                "it is too small for the largest deliveries",
                format!("write at least {LEAST_BODY_MEMORY_MIB}"),
            );
        }
        Self {
            quota: QuotaConfig {
                per_second: reader.get(
                    "TENANT_QUOTA_PER_SECOND",
                    defaults.quota.per_second,
                    "Deliveries a second that a tenant may send over time.",
                ),
                burst: reader.get(
                    "TENANT_QUOTA_BURST",
                    defaults.quota.burst,
                    "Deliveries that a tenant may send at once.",
                ),
            },
            failed_signatures_per_minute: reader.get(
                "FAILED_SIGNATURES_PER_MINUTE",
                defaults.failed_signatures_per_minute,
                "Invalid signatures that an address may send in a minute before it is limited.",
            ),
            body_memory_mib,
            security_events_kept_for: reader.duration(
                "SECURITY_EVENTS_KEPT_FOR",
                defaults.security_events_kept_for,
                "How long refused deliveries are remembered, counted by minute and address.",
            ),
            bot_checks: BotCheckConfig::read(reader),
        }
    }
}

#[cfg(test)]
mod tests {
    use settings::Settings;

    use super::*;

    #[test]
    fn every_limit_that_cannot_be_is_reported() {
        let settings = Settings::from_pairs([
            ("BODY_MEMORY_MIB", "1"),
            ("FAILED_SIGNATURES_PER_MINUTE", "0"),
            ("TENANT_QUOTA_BURST", "many"),
            ("SECURITY_EVENTS_KEPT_FOR", "a month"),
        ]);
        let error = settings.load(Config::read).unwrap_err().to_string();
        for key in [
            "BODY_MEMORY_MIB",
            "FAILED_SIGNATURES_PER_MINUTE",
            "TENANT_QUOTA_BURST",
            "SECURITY_EVENTS_KEPT_FOR",
        ] {
            assert!(error.contains(key), "{key} is not in: {error}");
        }
    }
}
