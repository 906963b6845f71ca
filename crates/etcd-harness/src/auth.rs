//! Users, roles and passwords of an etcd.

use etcd_client::{Client, Permission, PermissionType, RoleRevokePermissionOptions};

/// Enables authentication, with a user `root` that has all permissions.
///
/// From then on the server refuses clients that are not logged in.
/// [`Cluster::client_as`](crate::Cluster::client_as) returns a client that is.
///
/// # Panics
///
/// If the server refuses.
pub async fn enable(client: &Client, root_password: &str) {
    let mut auth = client.auth_client();
    check("add the user root", auth.user_add("root", root_password, None).await);
    check("add the role root", auth.role_add("root").await);
    check("grant the role root to root", auth.user_grant_role("root", "root").await);
    check("enable authentication", auth.auth_enable().await);
}

/// Adds a user with a role that may read every key with a prefix.
///
/// # Panics
///
/// If the server refuses, for example because the client is not logged in as root.
pub async fn add_reader(client: &Client, user: &str, password: &str, role: &str, prefix: &str) {
    let mut auth = client.auth_client();
    check("add the user", auth.user_add(user, password, None).await);
    check("add the role", auth.role_add(role).await);
    check("grant the role to the user", auth.user_grant_role(user, role).await);
    grant_read(client, role, prefix).await;
}

/// Grants a role the permission to read every key with a prefix.
///
/// # Panics
///
/// If the server refuses.
pub async fn grant_read(client: &Client, role: &str, prefix: &str) {
    let permission = Permission::new(PermissionType::Read, prefix).with_prefix();
    let granted = client.auth_client().role_grant_permission(role, permission).await;
    check("grant the permission", granted);
}

/// Revokes a role's permission to read every key with a prefix.
///
/// # Panics
///
/// If the server refuses, for example because the role does not have the permission.
pub async fn revoke_read(client: &Client, role: &str, prefix: &str) {
    let range = RoleRevokePermissionOptions::new().with_prefix();
    let revoked = client.auth_client().role_revoke_permission(role, prefix, Some(range)).await;
    check("revoke the permission", revoked);
}

/// Changes a user's password. The server invalidates the user's tokens.
///
/// # Panics
///
/// If the server refuses.
pub async fn change_password(client: &Client, user: &str, password: &str) {
    let changed = client.auth_client().user_change_password(user, password).await;
    check("change the password", changed);
}

fn check<T>(action: &str, result: Result<T, etcd_client::Error>) {
    if let Err(error) = result {
        panic!("cannot {action}: {error}");
    }
}
