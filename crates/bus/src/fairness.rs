//! How slots are shared among tenants.

/// How many of `slots` one tenant may use now. While fewer than half of them are `busy`, that is `limit`; from then on it
/// is the tenant's share among the `tenants` that have work, with one more share kept free for the next tenant that comes.
/// At least one, so that every tenant gets on.
pub fn tenant_limit(slots: usize, busy: usize, tenants: usize, limit: usize) -> usize {
    let limit = limit.max(1);
    if busy < slots / 2 {
        return limit;
    }
    (slots / (tenants + 1)).clamp(1, limit)
}

#[cfg(test)]
mod tests {
    use super::tenant_limit;

    #[test]
    fn a_tenant_gets_its_limit_until_half_is_busy() {
        for (slots, busy, tenants, limit, expected) in [
            (32, 0, 1, 16, 16),
            (32, 15, 9, 16, 16),
            (32, 16, 1, 16, 16),
            (32, 16, 2, 16, 10),
            (32, 32, 3, 16, 8),
            (32, 32, 100, 16, 1),
            (2, 1, 1, 1, 1),
            (1, 0, 1, 0, 1),
            (1, 1, 5, 1, 1),
        ] {
            let found = tenant_limit(slots, busy, tenants, limit);
            assert_eq!(found, expected, "{busy} of {slots} with {tenants}");
        }
    }
}
