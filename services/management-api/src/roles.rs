//! Which role each route takes, as its description says it: read off the extractors of its handler, so that neither can
//! be changed without the other.

use std::any::TypeId;

use serde_json::Value;
use utoipa::openapi::{Paths, extensions::Extensions};

use crate::{
    auth::{
        LeadSender, PlatformAdmin, Role, TenantAdmin, TenantOperator, TenantPlatformAdmin,
        TenantReader,
    },
    requests::recording::Listener,
};

/// The field of an operation that names the least role.
pub(crate) const FIELD: &str = "x-role";

/// As `utoipa_axum::routes!`; each operation gets the field `x-role`.
macro_rules! routes {
    ($($handlers:tt)*) => {{
        let mut routes = utoipa_axum::routes!($($handlers)*);
        $crate::roles::describe!(routes.1, $($handlers)*);
        routes
    }};
}

macro_rules! describe {
    ($paths:expr, $($handler:path),+ $(,)?) => {
        $($crate::roles::name(&mut $paths, stringify!($handler), $crate::roles::of(&$handler));)+
    };
}

pub(crate) use {describe, routes};

/// A handler whose extractors are known.
pub(crate) trait Handler<Extractors> {
    /// Their types.
    fn extractors() -> Vec<TypeId>;
}

macro_rules! handlers {
    ($($name:ident)*) => {
        impl<F, R, $($name),*> Handler<($($name,)*)> for F
        where
            F: Fn($($name),*) -> R,
            $($name: 'static),*
        {
            fn extractors() -> Vec<TypeId> {
                vec![$(TypeId::of::<$name>()),*]
            }
        }
    };
}

handlers! {}
handlers! { A }
handlers! { A B }
handlers! { A B C }
handlers! { A B C D }
handlers! { A B C D E }
handlers! { A B C D E G }
handlers! { A B C D E G H }
handlers! { A B C D E G H I }

/// The least role that a handler takes; none if anybody may call it, or if it tells callers apart by itself.
pub(crate) fn of<E, H: Handler<E>>(_: &H) -> Option<Role> {
    let known = [
        (TypeId::of::<TenantReader>(), Role::Viewer),
        (TypeId::of::<Listener>(), Role::Viewer),
        (TypeId::of::<TenantOperator>(), Role::Operator),
        (TypeId::of::<LeadSender>(), Role::Operator),
        (TypeId::of::<TenantAdmin>(), Role::TenantAdmin),
        (TypeId::of::<TenantPlatformAdmin>(), Role::PlatformAdmin),
        (TypeId::of::<PlatformAdmin>(), Role::PlatformAdmin),
    ];
    let extractors = H::extractors();
    let asked = known.into_iter().filter(|(id, _)| extractors.contains(id));
    asked.map(|(_, role)| role).max()
}

/// Writes the role into the operation of this handler.
pub(crate) fn name(paths: &mut Paths, handler: &str, role: Option<Role>) {
    let Some(role) = role else { return };
    let id = handler.rsplit("::").next().unwrap_or_default().trim();
    let items = paths.paths.values_mut();
    let operations = items.flat_map(|item| {
        [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
        ]
    });
    for operation in operations.flatten() {
        if operation.operation_id.as_deref() == Some(id) {
            let role = Value::from(role.as_str());
            operation.extensions = Some(Extensions::from_iter([(FIELD, role)]));
        }
    }
}
