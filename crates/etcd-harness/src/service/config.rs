//! The arguments and the configuration files of the programs.

use std::{fs, io, net::SocketAddr, path::Path};

use super::ServiceKind;

/// Writes what a program needs into its folder, and returns its arguments.
pub(super) fn write(
    kind: ServiceKind,
    listen: SocketAddr,
    targets: &[SocketAddr],
    folder: &Path,
) -> io::Result<Vec<String>> {
    let path = |name: &str| folder.join(name).display().to_string();
    let strings = |args: &[&str]| args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>();
    let (address, endpoints) = (listen.to_string(), list(targets, ",", SocketAddr::to_string));
    // The name of the file goes last.
    let (content, mut args) = match kind {
        ServiceKind::Gateway => {
            let start = ["gateway", "start", "--listen-addr", &address, "--endpoints", &endpoints];
            // By default it does not try a server again for a minute after the server refused.
            return Ok(strings(&[&start[..], &["--retry-delay", "1s"]].concat()));
        }
        ServiceKind::GrpcProxy => {
            let start = ["grpc-proxy", "start", "--listen-addr", &address];
            let rest = ["--endpoints", &endpoints, "--data-dir", &path("proxy")];
            // 3.6 connects to this address before it serves. The default is a fixed port.
            let own = ["--advertise-client-url", &address];
            return Ok(strings(&[&start[..], &rest, &own].concat()));
        }
        ServiceKind::Kine => {
            let listen = ["--listen-address", &address, "--metrics-bind-address", "0"];
            // As kine's own default: without the timeout, writes at the same time are lost.
            let settings = "_journal=WAL&cache=shared&_busy_timeout=30000";
            let database = format!("sqlite://{}?{settings}", path("state.db"));
            return Ok(strings(&[&listen[..], &["--endpoint", &database]].concat()));
        }
        ServiceKind::HaproxyTcp => (haproxy("tcp", listen, targets), strings(&["-db", "-f"])),
        ServiceKind::HaproxyHttp2 => (haproxy("http", listen, targets), strings(&["-db", "-f"])),
        ServiceKind::Nginx => {
            let args = strings(&["-p", &path(""), "-e", "stderr", "-c"]);
            (nginx(listen, targets, folder), args)
        }
        ServiceKind::Envoy => {
            let args = ["--disable-hot-restart", "--concurrency", "1", "-l", "warn", "-c"];
            (envoy(listen, targets), strings(&args))
        }
    };
    // envoy takes the format of a file from its name.
    let file = path("config.yaml");
    fs::write(&file, content)?;
    args.push(file);
    Ok(args)
}

fn list(targets: &[SocketAddr], between: &str, item: impl Fn(&SocketAddr) -> String) -> String {
    targets.iter().map(item).collect::<Vec<_>>().join(between)
}

fn haproxy(mode: &str, listen: SocketAddr, targets: &[SocketAddr]) -> String {
    let http2 = if mode == "http" { " proto h2" } else { "" };
    let servers =
        list(targets, "\n", |target| format!("    server etcd-{} {target}{http2}", target.port()));
    format!(
        "global
    maxconn 1000
defaults
    mode {mode}
    timeout connect 10s
    timeout client 10s
    timeout server 10s
    timeout http-keep-alive 10s
frontend clients
    bind {listen}{http2}
    default_backend etcd
backend etcd
{servers}
"
    )
}

fn nginx(listen: SocketAddr, targets: &[SocketAddr], folder: &Path) -> String {
    let servers = list(targets, " ", |target| format!("server {target};"));
    let folder = folder.display();
    // One process: a master that is killed leaves its workers behind.
    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream etcd {{ {servers} }}
    server {{
        listen {listen} http2;
        client_max_body_size 0;
        client_body_timeout 10s;
        keepalive_timeout 10s;
        location / {{
            grpc_pass grpc://etcd;
            grpc_read_timeout 10s;
            grpc_send_timeout 10s;
        }}
    }}
}}
"
    )
}

fn envoy(listen: SocketAddr, targets: &[SocketAddr]) -> String {
    let address = |address: &SocketAddr| {
        let (host, port) = (address.ip(), address.port());
        format!("{{socket_address: {{address: {host}, port_value: {port}}}}}")
    };
    let endpoints =
        list(targets, ", ", |target| format!("{{endpoint: {{address: {}}}}}", address(target)));
    let listen = address(&listen);
    // Without a timeout of 0, envoy ends every call after 15 s, streams too.
    format!(
        "static_resources:
  listeners:
  - address: {listen}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          codec_type: HTTP2
          stat_prefix: http
          stream_idle_timeout: 10s
          common_http_protocol_options: {{idle_timeout: 10s}}
          route_config:
            virtual_hosts:
            - name: etcd
              domains: ['*']
              routes:
              - match: {{prefix: /}}
                route: {{cluster: etcd, timeout: 0s}}
          http_filters:
          - name: router
            typed_config:
              '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: etcd
    type: STATIC
    connect_timeout: 5s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        '@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http2_protocol_options: {{}}}}
    load_assignment:
      cluster_name: etcd
      endpoints:
      - lb_endpoints: [{endpoints}]
"
    )
}
