//! Users, roles and passwords in a test's etcd.

use etcd_client::{Client, Permission, PermissionType, RoleRevokePermissionOptions};

/// Turns authentication on, with a user `root` who may do everything.
///
/// Clients that are not logged in are refused from then on; see
/// [`Cluster::client_as`](crate::Cluster::client_as).
///
/// # Panics
///
/// If the server refuses.
pub async fn enable(client: &Client, root_password: &str) {
    let mut auth = client.auth_client();
    told("the user root", auth.user_add("root", root_password, None).await);
    told("the role root", auth.role_add("root").await);
    told("root's role", auth.user_grant_role("root", "root").await);
    told("authentication", auth.auth_enable().await);
}

/// Adds a user with a role that may read every key with a prefix.
///
/// # Panics
///
/// If the server refuses, as where the client is not root's.
pub async fn add_reader(client: &Client, user: &str, password: &str, role: &str, prefix: &str) {
    let mut auth = client.auth_client();
    told("the user", auth.user_add(user, password, None).await);
    told("the role", auth.role_add(role).await);
    told("the user's role", auth.user_grant_role(user, role).await);
    grant_read(client, role, prefix).await;
}

/// Lets a role read every key with a prefix.
///
/// # Panics
///
/// If the server refuses.
pub async fn grant_read(client: &Client, role: &str, prefix: &str) {
    let permission = Permission::new(PermissionType::Read, prefix).with_prefix();
    told("the permission", client.auth_client().role_grant_permission(role, permission).await);
}

/// Takes the right to read every key with a prefix from a role.
///
/// # Panics
///
/// If the server refuses, as where the role has no such right.
pub async fn revoke_read(client: &Client, role: &str, prefix: &str) {
    let range = RoleRevokePermissionOptions::new().with_prefix();
    let revoked = client.auth_client().role_revoke_permission(role, prefix, Some(range)).await;
    told("the permission", revoked);
}

/// Changes a user's password, which ends the tokens that the user has.
///
/// # Panics
///
/// If the server refuses.
pub async fn change_password(client: &Client, user: &str, password: &str) {
    told("the password", client.auth_client().user_change_password(user, password).await);
}

fn told<T>(what: &str, answer: Result<T, etcd_client::Error>) {
    if let Err(error) = answer {
        panic!("{what} is refused: {error}");
    }
}
