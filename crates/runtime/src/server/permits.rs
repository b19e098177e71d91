//! How many connections may be open, in all and per address.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::Network;

pub(crate) struct Permits {
    most: usize,
    most_per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_address: HashMap<Network, usize>,
}

/// The permit for one connection, until it is dropped.
pub(crate) struct Permit {
    permits: Arc<Permits>,
    address: Network,
}

impl Permits {
    pub(crate) fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_per_address,
            taken: Mutex::default(),
        })
    }

    /// # Errors
    /// The limit that is reached: `total` or `address`.
    pub(crate) fn acquire(self: &Arc<Self>, address: Network) -> Result<Permit, &'static str> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.total >= self.most {
            return Err("total");
        }
        let here = taken.by_address.get(&address).copied().unwrap_or(0);
        if here >= self.most_per_address {
            return Err("address");
        }
        taken.by_address.insert(address, here + 1);
        taken.total += 1;
        drop(taken);
        Ok(Permit {
            permits: self.clone(),
            address,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self
            .permits
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        if let Some(here) = taken.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn permits_are_limited_per_address_and_in_all() {
        let permits = Permits::new(3, 2);
        let first = permits.acquire(address("192.0.2.1")).ok();
        let second = permits.acquire(address("::ffff:192.0.2.1")).ok();
        assert!(first.is_some() && second.is_some());
        assert_eq!(permits.acquire(address("192.0.2.1")).err(), Some("address"));
        let third = permits.acquire(address("192.0.2.2")).ok();
        assert_eq!(permits.acquire(address("192.0.2.3")).err(), Some("total"));
        drop((first, second, third));
        assert!(permits.taken.lock().unwrap().by_address.is_empty());
        assert!(permits.acquire(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let permits = Permits::new(10, 1);
        let _one = permits.acquire(address("2001:db8::1")).ok();
        assert_eq!(
            permits.acquire(address("2001:db8::2")).err(),
            Some("address")
        );
        assert!(permits.acquire(address("2001:db8:0:1::1")).is_ok());
    }
}
