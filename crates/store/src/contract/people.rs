//! People, sessions, keys and views.

use domain::{ApiKeyId, EmailAddress, InvitationId, StoreError, Tenant, TenantStatus, UserId};
use serde_json::json;

use super::*;
use crate::{
    ApiKey, Device, Holder, Invitation, NewSession, OneTimeCode, Purpose, Refreshed, SavedView,
    Scope, Session, SessionCookie, TenantRole, TokenHash,
    people::sessions::{IDLE, LEEWAY},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn email(subject: &Subject, name: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{}{name}@example.com", subject.scope)).unwrap()
}

/// A tenant that is there.
async fn tenant(subject: &Subject, name: &str) -> TenantId {
    let id = subject.tenant(name);
    let tenant = Tenant {
        id: id.clone(),
        name: name.to_owned(),
        status: TenantStatus::Active,
    };
    subject.store.put_tenant(&tenant).await.unwrap();
    id
}

/// Drawn from a name: the same name is the same secret.
fn secret(subject: &Subject, name: &str) -> String {
    format!("{}{name}{}", subject.scope, "-".repeat(43))
        .chars()
        .take(50)
        .collect()
}

fn new_session(subject: &Subject, name: &str) -> NewSession {
    NewSession {
        cookie: SessionCookie {
            family: secret(subject, name),
            rotating: secret(subject, "first"),
        },
        salt: [7; 32],
        device: Device {
            user_agent: "a browser".to_owned(),
            address: "192.0.2.1".to_owned(),
        },
        issuer_token: None,
    }
}

fn code(subject: &Subject, name: &str, purpose: Purpose) -> OneTimeCode {
    let drawn = TokenHash::of(name);
    let id = InvitationId::from_uuid(Uuid::from_slice(&drawn.as_bytes()[..16]).unwrap());
    let code = secret(subject, name);
    OneTimeCode::new(id, &code, purpose, "tester", (subject.now)()).unwrap()
}

async fn invite(
    subject: &Subject,
    tenant: &TenantId,
    name: &str,
    role: TenantRole,
) -> Result<OneTimeCode, StoreError> {
    let invitation = Invitation {
        tenant: tenant.clone(),
        email: email(subject, name),
        role,
    };
    let name = format!("{tenant}{name}{role}{}", (subject.now)());
    let new = code(subject, &name, Purpose::Invitation(invitation));
    subject.store.invite(tenant, &new, &act()).await?;
    Ok(new)
}

async fn redeem(
    subject: &Subject,
    code: &OneTimeCode,
    session: &str,
) -> Result<Session, StoreError> {
    let new = new_session(subject, session);
    let redeemed = subject.store.redeem_code_across_tenants(&code.hash, &new);
    redeemed.await
}

/// A person of a tenant with this role.
async fn join(subject: &Subject, tenant: &TenantId, name: &str, role: TenantRole) -> UserId {
    let invited = invite(subject, tenant, name, role).await.unwrap();
    let session = redeem(subject, &invited, &format!("{tenant}{name}{role}")).await;
    user_of(&session.unwrap())
}

fn user_of(session: &Session) -> UserId {
    match session.holder {
        Holder::User(user) => user,
        Holder::Console { .. } => panic!("{session:?}"),
    }
}

async fn actions(subject: &Subject, tenant: &TenantId) -> Vec<String> {
    let page = subject
        .store
        .audit_log(tenant, &AuditQuery::newest(100))
        .await
        .unwrap();
    page.items
        .into_iter()
        .rev()
        .map(|entry| entry.action)
        .collect()
}

#[track_caller]
fn conflict<T: fmt::Debug>(result: Result<T, StoreError>, words: &str) {
    let Err(StoreError::Conflict(reason)) = result else {
        panic!("{result:?}")
    };
    assert!(reason.contains(words), "{reason}");
}

pub async fn an_invitation_makes_a_member_once(subject: &Subject) {
    let store = &subject.store;
    let home = tenant(subject, "a").await;
    let invited = invite(subject, &home, "Ann", TenantRole::Operator)
        .await
        .unwrap();
    assert_eq!(
        store.invitations(&home).await.unwrap(),
        std::slice::from_ref(&invited)
    );
    let session = redeem(subject, &invited, "ann").await.unwrap();
    let user = user_of(&session);
    assert_eq!(store.invitations(&home).await.unwrap(), []);
    conflict(redeem(subject, &invited, "again").await, "used already");
    let member = store.member(&home, user).await.unwrap().unwrap();
    assert_eq!(member.role, TenantRole::Operator);
    assert_eq!(member.user.email, email(subject, "ann"));
    let same = store
        .user_by_email_across_tenants(&email(subject, "ANN"))
        .await;
    assert_eq!(same.unwrap(), Some(member.user.clone()));
    assert_eq!(
        store.user_across_tenants(user).await.unwrap(),
        Some(member.user)
    );
    assert_eq!(
        store.memberships_across_tenants(user).await.unwrap(),
        [(home.clone(), TenantRole::Operator)]
    );
    assert_eq!(
        actions(subject, &home).await,
        ["test.act", "invitation.accept"]
    );
    let unknown = TokenHash::of("nobody's");
    let new = new_session(subject, "x");
    let refused = store.redeem_code_across_tenants(&unknown, &new);
    assert!(matches!(refused.await, Err(StoreError::NotFound)));
    let nowhere = subject.tenant("nowhere");
    let refused = invite(subject, &nowhere, "ann", TenantRole::Viewer).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
}

pub async fn an_invitation_lasts_a_week_and_can_be_withdrawn(subject: &Subject) {
    let home = tenant(subject, "a").await;
    let invited = invite(subject, &home, "ann", TenantRole::Viewer)
        .await
        .unwrap();
    let other = tenant(subject, "b").await;
    let withdrawn = subject
        .store
        .withdraw_invitation(&other, invited.id, &act())
        .await;
    assert!(matches!(withdrawn, Err(StoreError::NotFound)));
    subject.wait(7 * DAY).await;
    conflict(redeem(subject, &invited, "ann").await, "expired");
    let second = invite(subject, &home, "ann", TenantRole::Viewer)
        .await
        .unwrap();
    let act = act();
    for code in [&invited, &second] {
        let withdrawn = subject.store.withdraw_invitation(&home, code.id, &act);
        withdrawn.await.unwrap();
    }
    let gone = redeem(subject, &second, "ann").await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    assert_eq!(subject.store.invitations(&home).await.unwrap(), []);
}

pub async fn an_invitation_takes_nothing_from_a_member(subject: &Subject) {
    let home = tenant(subject, "a").await;
    let user = join(subject, &home, "ann", TenantRole::TenantAdmin).await;
    subject.wait(SECOND).await;
    assert_eq!(join(subject, &home, "ann", TenantRole::Viewer).await, user);
    let member = subject.store.member(&home, user).await.unwrap().unwrap();
    assert_eq!(member.role, TenantRole::TenantAdmin);
    assert!(member.since < (subject.now)());
}

pub async fn what_is_decided_about_a_member_ends_their_invitations(subject: &Subject) {
    let store = &subject.store;
    let (home, other) = (tenant(subject, "a").await, tenant(subject, "b").await);
    let again = async |of: &TenantId| {
        let code = invite(subject, of, "Ann", TenantRole::TenantAdmin).await;
        code.unwrap()
    };
    let not_found = async |code: &OneTimeCode| {
        let gone = redeem(subject, code, "late").await;
        assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    };
    let ann = join(subject, &home, "ann", TenantRole::Operator).await;
    let (first, elsewhere) = (again(&home).await, again(&other).await);
    let of_bob = invite(subject, &home, "bob", TenantRole::Viewer)
        .await
        .unwrap();
    let act = act();
    let set = async |role| store.set_member_role(&home, ann, role, &act).await.unwrap();
    set(TenantRole::Viewer).await;
    not_found(&first).await;
    let second = again(&home).await;
    store.remove_member(&home, ann, &act).await.unwrap();
    not_found(&second).await;
    assert_eq!(store.member(&home, ann).await.unwrap(), None);
    // Others' invitations, and hers into other tenants, stay; and she can be invited again.
    assert_eq!(store.invitations(&home).await.unwrap(), [of_bob]);
    assert_eq!(
        store.invitations(&other).await.unwrap(),
        std::slice::from_ref(&elsewhere)
    );
    assert_eq!(join(subject, &home, "ann", TenantRole::Viewer).await, ann);
}

pub async fn of_two_uses_of_a_code_at_once_one_is_refused(subject: &Subject) {
    let home = tenant(subject, "a").await;
    let invited = invite(subject, &home, "ann", TenantRole::Viewer)
        .await
        .unwrap();
    let (one, other) = futures::join!(
        redeem(subject, &invited, "one"),
        redeem(subject, &invited, "other")
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

pub async fn a_proven_address_accepts_its_invitations(subject: &Subject) {
    let store = &subject.store;
    let accept = async |name: &str| {
        let email = email(subject, name);
        let accepted = store.accept_invitations_across_tenants(&email, "Ann");
        accepted.await.unwrap()
    };
    assert_eq!(accept("ann").await, None);
    let (one, late, two) = (
        tenant(subject, "a").await,
        tenant(subject, "b").await,
        tenant(subject, "c").await,
    );
    invite(subject, &late, "ann", TenantRole::Viewer)
        .await
        .unwrap();
    subject.wait(7 * DAY).await;
    invite(subject, &one, "Ann", TenantRole::Operator)
        .await
        .unwrap();
    invite(subject, &two, "ann", TenantRole::Viewer)
        .await
        .unwrap();
    assert_eq!(accept("bob").await, None);
    let user = accept("ANN").await.unwrap();
    assert_eq!(user.name, "Ann");
    let roles = [
        (one.clone(), TenantRole::Operator),
        (two, TenantRole::Viewer),
    ];
    let found = store.memberships_across_tenants(user.id).await.unwrap();
    assert_eq!(found, roles);
    assert_eq!(accept("ann").await, Some(user));
    assert_eq!(store.invitations(&one).await.unwrap(), []);
    assert_eq!(store.invitations(&late).await.unwrap().len(), 1);
    assert_eq!(
        actions(subject, &one).await,
        ["test.act", "invitation.accept"]
    );
}

pub async fn a_link_signs_in_who_is_known(subject: &Subject) {
    let home = tenant(subject, "a").await;
    let user = join(subject, &home, "ann", TenantRole::Viewer).await;
    let link = |name: &str, whose: &str| {
        let email = email(subject, whose);
        code(subject, name, Purpose::Link { email })
    };
    let (known, late, stranger) = (link("1", "Ann"), link("2", "ann"), link("3", "bob"));
    for code in [&known, &late, &stranger] {
        let store = &subject.store;
        store.keep_code_across_tenants(code, &act()).await.unwrap();
    }
    // Two are of her tenant's person, one is nobody's.
    let kept = actions(subject, &home).await;
    assert_eq!(kept.iter().filter(|act| *act == "test.act").count(), 3);
    let session = redeem(subject, &known, "link").await.unwrap();
    assert_eq!(user_of(&session), user);
    let nobody = redeem(subject, &stranger, "stranger").await;
    assert!(matches!(nobody, Err(StoreError::NotFound)), "{nobody:?}");
    subject.wait(Duration::from_secs(600)).await;
    conflict(redeem(subject, &late, "late").await, "expired");
}

pub async fn a_console_code_is_gone_after_a_restart(subject: &Subject) {
    let home = tenant(subject, "a").await;
    let console = |name: &str| {
        let purpose = Purpose::Console {
            subject: "operator".to_owned(),
            tenant: home.clone(),
            role: TenantRole::TenantAdmin,
        };
        code(subject, name, purpose)
    };
    let (used, left) = (console("1"), console("2"));
    for code in [&used, &left] {
        let store = &subject.store;
        store.keep_code_across_tenants(code, &act()).await.unwrap();
    }
    assert_eq!(actions(subject, &home).await, ["test.act", "test.act"]);
    let session = redeem(subject, &used, "console").await.unwrap();
    assert_eq!(session.holder.subject(), "operator");
    let found = subject.store.session_across_tenants(&session.family).await;
    assert_eq!(found.unwrap(), Some(session));
    subject
        .store
        .remove_console_codes_across_tenants()
        .await
        .unwrap();
    let gone = redeem(subject, &left, "late").await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

pub async fn the_last_administrator_of_a_tenant_stays(subject: &Subject) {
    let store = &subject.store;
    let home = tenant(subject, "a").await;
    let ann = join(subject, &home, "ann", TenantRole::TenantAdmin).await;
    let bob = join(subject, &home, "bob", TenantRole::Viewer).await;
    let act = act();
    let set = async |user, role| store.set_member_role(&home, user, role, &act).await;
    conflict(set(ann, TenantRole::Operator).await, "last administrator");
    conflict(
        store.remove_member(&home, ann, &act).await.map(drop),
        "last administrator",
    );
    let before = actions(subject, &home).await.len();
    let same = set(bob, TenantRole::Viewer).await.unwrap();
    assert_eq!(same.role, TenantRole::Viewer);
    assert_eq!(actions(subject, &home).await.len(), before);
    set(bob, TenantRole::TenantAdmin).await.unwrap();
    assert_eq!(
        store.remove_member(&home, ann, &act).await.unwrap().user.id,
        ann
    );
    assert_eq!(store.member(&home, ann).await.unwrap(), None);
    assert!(store.user_across_tenants(ann).await.unwrap().is_some());
    assert_eq!(actions(subject, &home).await.len(), before + 2);
    let gone = set(ann, TenantRole::Viewer).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

pub async fn people_are_walked_by_pages(subject: &Subject) {
    let home = tenant(subject, "a").await;
    let mut joined = Vec::new();
    for name in ["ann", "bob", "cid"] {
        joined.push(join(subject, &home, name, TenantRole::Viewer).await);
    }
    joined.sort();
    let first = subject.store.members(&home, None, 2).await.unwrap();
    let ids: Vec<_> = first.items.iter().map(|member| member.user.id).collect();
    assert_eq!((ids.as_slice(), first.has_more), (&joined[..2], true));
    let rest = subject
        .store
        .members(&home, Some(joined[1]), 2)
        .await
        .unwrap();
    assert_eq!((rest.items[0].user.id, rest.has_more), (joined[2], false));
}

async fn refresh(subject: &Subject, cookie: &SessionCookie) -> Refreshed {
    let salt = [9; 32];
    let refreshed = subject
        .store
        .refresh_session_across_tenants(cookie, salt, "192.0.2.2");
    refreshed.await.unwrap()
}

/// A session, and the cookie that it began with.
async fn session(subject: &Subject, name: &str) -> (Session, SessionCookie) {
    let email = email(subject, name);
    let user = subject.store.ensure_user_across_tenants(&email, name);
    let holder = Holder::User(user.await.unwrap().id);
    let new = new_session(subject, name);
    let opened = subject.store.open_session_across_tenants(&holder, &new);
    (opened.await.unwrap(), new.cookie)
}

pub async fn a_session_goes_on_with_each_new_secret(subject: &Subject) {
    let (began, first) = session(subject, "ann").await;
    subject.wait(SECOND).await;
    let Refreshed::Goes {
        session,
        cookie,
        is_repeat: false,
    } = refresh(subject, &first).await
    else {
        panic!("the first refresh")
    };
    assert_eq!((session.id, session.used_at), (began.id, (subject.now)()));
    assert_eq!(session.device.address, "192.0.2.2");
    let Refreshed::Goes {
        cookie: again,
        is_repeat: true,
        ..
    } = refresh(subject, &first).await
    else {
        panic!("the same refresh again")
    };
    assert_eq!(again, cookie);
    let found = subject.store.session_across_tenants(&began.family).await;
    assert_eq!(found.unwrap(), Some(*session));
    let next = refresh(subject, &cookie).await;
    assert!(
        matches!(
            next,
            Refreshed::Goes {
                is_repeat: false,
                ..
            }
        ),
        "{next:?}"
    );
}

pub async fn a_secret_used_again_ends_the_session(subject: &Subject) {
    let (began, first) = session(subject, "ann").await;
    let Refreshed::Goes { cookie, .. } = refresh(subject, &first).await else {
        panic!("the first refresh")
    };
    subject.wait(LEEWAY).await;
    assert_eq!(refresh(subject, &first).await, Refreshed::Stolen(began.id));
    assert_eq!(refresh(subject, &cookie).await, Refreshed::Ended);
    let found = subject.store.session_across_tenants(&began.family).await;
    assert_eq!(found.unwrap(), None);
}

pub async fn a_session_ends_when_nobody_uses_it(subject: &Subject) {
    let (began, first) = session(subject, "ann").await;
    subject.wait(IDLE).await;
    assert_eq!(refresh(subject, &first).await, Refreshed::Ended);
    let (_, _) = session(subject, "bob").await;
    let found = subject.store.session_across_tenants(&began.family).await;
    assert_eq!(found.unwrap(), None, "the next one to sign in removes it");
}

pub async fn sessions_are_listed_and_ended_by_their_person(subject: &Subject) {
    let (first, _) = session(subject, "ann").await;
    subject.wait(SECOND).await;
    let new = new_session(subject, "ann's phone");
    let second = subject
        .store
        .open_session_across_tenants(&first.holder, &new);
    let second = second.await.unwrap();
    let (other, _) = session(subject, "bob").await;
    let listed = subject
        .store
        .sessions_of_across_tenants(&first.holder)
        .await;
    let ids: Vec<_> = listed.unwrap().iter().map(|session| session.id).collect();
    assert_eq!(ids, [second.id, first.id]);
    let end = async |id| subject.store.end_session_across_tenants(id).await.unwrap();
    assert!(end(first.id).await && !end(first.id).await);
    let left = subject
        .store
        .sessions_of_across_tenants(&first.holder)
        .await;
    assert_eq!(left.unwrap(), [second]);
    let others = subject
        .store
        .sessions_of_across_tenants(&other.holder)
        .await;
    assert_eq!(others.unwrap(), [other]);
}

pub async fn an_issuers_token_stays_with_its_session(subject: &Subject) {
    let (plain, _) = session(subject, "ann").await;
    assert_eq!((plain.issuer_token, plain.confirmed_at), (None, None));
    let new = NewSession {
        issuer_token: Some(b"sealed".to_vec()),
        ..new_session(subject, "issued")
    };
    let opened = subject
        .store
        .open_session_across_tenants(&plain.holder, &new);
    let opened = opened.await.unwrap();
    assert_eq!(opened.confirmed_at, Some((subject.now)()));
    subject.wait(SECOND).await;
    let confirmed = subject
        .store
        .confirm_session_across_tenants(opened.id, b"another");
    confirmed.await.unwrap();
    refresh(subject, &new.cookie).await;
    let found = subject.store.session_across_tenants(&opened.family).await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.issuer_token.as_deref(), Some(b"another".as_slice()));
    assert_eq!(found.confirmed_at, Some((subject.now)()));
}

fn key(subject: &Subject, tenant: &TenantId, number: u128) -> ApiKey {
    ApiKey {
        id: ApiKeyId::from_uuid(Uuid::from_u128(number)),
        tenant: tenant.clone(),
        hash: TokenHash::of(&format!("{tenant}{number}")),
        prefix: "mip_abcd".to_owned(),
        name: "reports".to_owned(),
        scopes: vec![Scope::Ingest, Scope::Admin],
        created_by: "tester".to_owned(),
        created_at: (subject.now)(),
        last_used_at: None,
        expires_at: Some(subject.after(DAY)),
        revoked_at: None,
    }
}

pub async fn an_api_key_is_found_until_it_is_gone(subject: &Subject) {
    let store = &subject.store;
    let home = tenant(subject, "a").await;
    let key = key(subject, &home, 1);
    store.create_api_key(&key, &act()).await.unwrap();
    let found = store.api_key_by_hash_across_tenants(&key.hash).await;
    assert_eq!(found.unwrap(), Some(key.clone()));
    assert_eq!(
        store.api_keys(&home).await.unwrap(),
        std::slice::from_ref(&key)
    );
    let nobodys = store
        .api_key_by_hash_across_tenants(&TokenHash::of("x"))
        .await;
    assert_eq!(nobodys.unwrap(), None);
    subject.wait(SECOND).await;
    let revoked = ApiKey {
        revoked_at: Some((subject.now)()),
        ..key.clone()
    };
    let revoke = async || store.revoke_api_key(&home, key.id, &act()).await.unwrap();
    assert_eq!(revoke().await, revoked);
    subject.wait(SECOND).await;
    assert_eq!(revoke().await, revoked);
    let found = store.api_key_by_hash_across_tenants(&key.hash).await;
    assert_eq!(found.unwrap(), Some(revoked));
    assert_eq!(actions(subject, &home).await.len(), 2);
    let nowhere = self::key(subject, &subject.tenant("nowhere"), 1);
    let refused = store.create_api_key(&nowhere, &act()).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
}

pub async fn an_api_keys_use_is_noted_once_a_minute(subject: &Subject) {
    let home = tenant(subject, "a").await;
    let key = key(subject, &home, 1);
    subject.store.create_api_key(&key, &act()).await.unwrap();
    let used = async || {
        subject.store.note_api_key_use(&home, key.id).await.unwrap();
        let keys = subject.store.api_keys(&home).await.unwrap();
        keys[0].last_used_at
    };
    let first = (subject.now)();
    assert_eq!(used().await, Some(first));
    subject.wait(Duration::from_secs(59)).await;
    assert_eq!(used().await, Some(first));
    subject.wait(SECOND).await;
    assert_eq!(used().await, Some((subject.now)()));
}

pub async fn preferences_are_one_persons(subject: &Subject) {
    let (ann, bob) = (secret(subject, "ann"), secret(subject, "bob"));
    let kept = async |who| subject.store.preferences_across_tenants(who).await.unwrap();
    assert_eq!(kept(&ann).await, None);
    for theme in ["dark", "light"] {
        let preferences = json!({ "theme": theme });
        let put = subject
            .store
            .put_preferences_across_tenants(&ann, &preferences);
        put.await.unwrap();
        assert_eq!(kept(&ann).await, Some(preferences));
    }
    assert_eq!(kept(&bob).await, None);
}

pub async fn a_view_is_its_owners_until_it_is_shared(subject: &Subject) {
    let store = &subject.store;
    let home = tenant(subject, "a").await;
    let view = |id: &str, is_shared| SavedView {
        tenant: home.clone(),
        id: id.to_owned(),
        owner: "ann".to_owned(),
        name: "Kitchens".to_owned(),
        page: "leads".to_owned(),
        search: "q=kitchen".to_owned(),
        is_shared,
        updated_at: (subject.now)(),
    };
    let (own, shared) = (view("own", false), view("shared", true));
    for view in [&shared, &own] {
        store.put_view(view, &act()).await.unwrap();
    }
    let seen = async |who| store.views(&home, who).await.unwrap();
    assert_eq!(seen("ann").await, [own.clone(), shared.clone()]);
    assert_eq!(seen("bob").await, std::slice::from_ref(&shared));
    let found = async |id, who| store.view(&home, id, who).await.unwrap();
    assert_eq!(found("own", "ann").await, Some(own.clone()));
    assert_eq!(found("own", "bob").await, None);
    let of_bob = SavedView {
        owner: "bob".to_owned(),
        ..shared.clone()
    };
    conflict(store.put_view(&of_bob, &act()).await, "another person");
    let act = act();
    let remove = async |id, who, is_admin| store.remove_view(&home, id, who, is_admin, &act).await;
    assert!(matches!(
        remove("own", "bob", true).await,
        Err(StoreError::NotFound)
    ));
    conflict(remove("shared", "bob", false).await, "another person's");
    let changed = SavedView {
        name: "Baths".to_owned(),
        ..own
    };
    store.put_view(&changed, &act).await.unwrap();
    assert_eq!(seen("ann").await[0].name, "Baths");
    remove("own", "ann", false).await.unwrap();
    remove("shared", "bob", true).await.unwrap();
    assert_eq!(seen("ann").await, []);
    assert_eq!(actions(subject, &home).await.len(), 5);
}

pub async fn private_views_are_in_nobodys_way(subject: &Subject) {
    let store = &subject.store;
    let home = tenant(subject, "a").await;
    let view = |owner: &str, is_shared| SavedView {
        tenant: home.clone(),
        id: "kitchens".to_owned(),
        owner: owner.to_owned(),
        name: format!("{owner}'s"),
        page: "leads".to_owned(),
        search: "q=kitchen".to_owned(),
        is_shared,
        updated_at: (subject.now)(),
    };
    let act = act();
    let put = async |owner, is_shared| store.put_view(&view(owner, is_shared), &act).await;
    let seen = async |who| {
        let seen = store.view(&home, "kitchens", who).await.unwrap();
        let listed = store.views(&home, who).await.unwrap();
        assert_eq!(listed.first().cloned(), seen);
        assert!(listed.len() < 2);
        seen.map(|view| (view.owner, view.is_shared))
    };
    let owned = |owner: &str, is_shared| Some((owner.to_owned(), is_shared));
    // Each has one of their own, and none is told of the other's.
    put("ann", false).await.unwrap();
    put("bob", false).await.unwrap();
    assert_eq!(seen("ann").await, owned("ann", false));
    assert_eq!(seen("bob").await, owned("bob", false));
    assert_eq!(seen("cid").await, None);
    // Who has one keeps it when another shares one, and sees the shared one without it.
    put("bob", true).await.unwrap();
    assert_eq!(seen("ann").await, owned("ann", false));
    assert_eq!(seen("bob").await, owned("bob", true));
    assert_eq!(seen("cid").await, owned("bob", true));
    conflict(put("ann", true).await, "another person");
    conflict(put("cid", false).await, "another person");
    let remove = async |who, is_admin| {
        let removed = store.remove_view(&home, "kitchens", who, is_admin, &act);
        removed.await.unwrap();
    };
    remove("ann", true).await;
    assert_eq!(seen("ann").await, owned("bob", true));
    // What is no longer shared is nobody's but its owner's.
    put("bob", false).await.unwrap();
    assert_eq!(seen("ann").await, None);
    put("ann", true).await.unwrap();
    assert_eq!(seen("bob").await, owned("bob", false));
    remove("bob", false).await;
    assert_eq!(seen("bob").await, owned("ann", true));
}

pub async fn people_and_keys_stay_with_their_tenant(subject: &Subject) {
    let store = &subject.store;
    let (home, other) = (tenant(subject, "a").await, tenant(subject, "b").await);
    let ann = join(subject, &home, "ann", TenantRole::TenantAdmin).await;
    let key = key(subject, &home, 1);
    store.create_api_key(&key, &act()).await.unwrap();
    let view = SavedView {
        tenant: home.clone(),
        id: "v".to_owned(),
        owner: "ann".to_owned(),
        name: "v".to_owned(),
        page: "leads".to_owned(),
        search: String::new(),
        is_shared: true,
        updated_at: (subject.now)(),
    };
    store.put_view(&view, &act()).await.unwrap();

    let act = act();
    assert_eq!(store.member(&other, ann).await.unwrap(), None);
    assert_eq!(store.members(&other, None, 10).await.unwrap().items, []);
    assert_eq!(store.api_keys(&other).await.unwrap(), []);
    assert_eq!(store.views(&other, "ann").await.unwrap(), []);
    assert_eq!(store.view(&other, "v", "ann").await.unwrap(), None);
    let refused = [
        store.remove_member(&other, ann, &act).await.map(drop),
        store
            .set_member_role(&other, ann, TenantRole::Viewer, &act)
            .await
            .map(drop),
        store.revoke_api_key(&other, key.id, &act).await.map(drop),
        store.remove_view(&other, "v", "ann", true, &act).await,
    ];
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
    store.note_api_key_use(&other, key.id).await.unwrap();
    assert_eq!(store.api_keys(&home).await.unwrap(), [key]);
    assert_eq!(actions(subject, &other).await, Vec::<String>::new());
}
