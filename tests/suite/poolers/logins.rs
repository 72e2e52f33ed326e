//! Who a real PgBouncer lets in, in session and in transaction pooling.

use super::bouncer::Bouncer;
use super::{scene, timed, value};
use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::{ask, run, Scene};

const MODES: [&str; 2] = ["session", "transaction"];

/// A pooler, and the credential `shop` that the app `shop` reaches through it.
#[track_caller]
fn pooled(s: &mut Scene, settings: &[(&str, &str)]) -> Bouncer {
    let mut all = vec![("query_wait_timeout", "2")];
    all.extend(settings);
    let bouncer = Bouncer::start(&s.cluster, &all);
    run(
        &mut s.own,
        &format!(
            "SELECT credentials.create('shop', if_not_exists => true);
             SELECT credentials.set_endpoint('pool', '127.0.0.1', {}, 'disable');
             SELECT credentials.attach('shop', 'shop', endpoint => 'pool')",
            bouncer.port()
        ),
    );
    bouncer
}

/// Who a client is behind the pooler; the error where it is not let in.
fn who(s: &Scene, url: &str) -> Result<String, String> {
    let mut client = s.cluster.connect(url).map_err(|e| format!("{e:?}"))?;
    match client.simple_query("SELECT current_user || ' in ' || current_database()") {
        Ok(_) => Ok(ask(
            &mut client,
            "SELECT current_user || ' in ' || current_database()",
        )),
        Err(error) => Err(format!("{error:?}")),
    }
}

#[test]
fn a_credential_logs_in_through_it_with_what_the_app_is_told() {
    for mode in MODES {
        let (mut s, _) = scene(Cluster::builder());
        let bouncer = pooled(&mut s, &[("pool_mode", mode)]);
        let url = value(&mut s, "shop");
        assert!(url.contains(&format!(":{}/app", bouncer.port())), "{url}");
        assert_eq!(who(&s, &url).as_deref(), Ok("shop in app"), "{mode}");
        let wrong = url.replacen("shop:", "shop:x", 1);
        assert!(who(&s, &wrong).is_err(), "{mode}: a wrong password");
    }
}

#[test]
fn who_is_not_managed_is_not_let_in_however_right_the_password() {
    let (mut s, _) = scene(Cluster::builder());
    let bouncer = pooled(&mut s, &[]);
    drop(s.stranger("stranger", ""));
    let url = |user: &str, password: &str| {
        format!(
            "postgres://{user}:{password}@127.0.0.1:{}/app",
            bouncer.port()
        )
    };
    assert!(who(&s, &url("stranger", "a-stranger-called-stranger")).is_err());
    assert!(who(&s, &url("nobody", "x")).is_err());
    assert!(who(&s, &url("postgres", "")).is_err());
    let managed = value(&mut s, "shop");
    assert!(who(&s, &managed).is_ok());
}

#[test]
fn both_usernames_are_let_in_while_both_are_good_and_the_old_password_is_not_after_the_cut_over() {
    for mode in MODES {
        let settings = [("pool_mode", mode), ("server_idle_timeout", "1")];
        let (mut s, _) = scene(timed(2, 20, 600));
        let _bouncer = pooled(&mut s, &settings);
        let old = value(&mut s, "shop");
        assert!(who(&s, &old).is_ok());
        run(&mut s.own, "SELECT credentials.rotate('shop')");
        let twin = value(&mut s, "shop");
        assert!(twin.contains("//shop-rotating:"), "{twin}");
        for url in [&old, &twin] {
            assert_eq!(who(&s, url).as_deref(), Ok("shop in app"), "{mode}");
        }
        s.settle();
        let new = value(&mut s, "shop");
        assert!(new.contains("//shop:"), "{new}");
        for url in [&twin, &new] {
            assert_eq!(who(&s, url).as_deref(), Ok("shop in app"), "{mode}");
        }
        assert!(who(&s, &old).is_err(), "{mode}");
        assert!(
            who(&s, &new).is_ok(),
            "{mode}: a refusal spoils it for nobody"
        );
    }
}

#[test]
fn whoever_is_suspended_or_destroyed_is_refused_and_open_connections_can_do_nothing() {
    for mode in MODES {
        let (mut s, _) = scene(Cluster::builder());
        let _bouncer = pooled(&mut s, &[("pool_mode", mode)]);
        let url = value(&mut s, "shop");
        let mut open = s.cluster.connect(&url).unwrap();
        assert_eq!(ask(&mut open, "SELECT current_user"), "shop");
        run(&mut s.own, "SELECT credentials.suspend('shop')");
        s.settle();
        assert!(who(&s, &url).is_err(), "{mode}");
        assert!(open.simple_query("SELECT 1").is_err(), "{mode}");
        run(&mut s.own, "SELECT credentials.resume('shop')");
        wait_until("the same password is good again", SOON, || {
            who(&s, &url).is_ok()
        });
        run(
            &mut s.own,
            "SELECT credentials.detach('DATABASE', 'shop'); SELECT credentials.destroy('shop', 'app')",
        );
        s.settle();
        assert!(who(&s, &url).is_err(), "{mode}");
        run(
            &mut s.own,
            "SELECT credentials.create('shop'); SELECT credentials.attach('shop', 'shop', endpoint => 'pool')",
        );
        assert!(
            who(&s, &url).is_err(),
            "{mode}: one of the same name is another"
        );
        let new = value(&mut s, "shop");
        wait_until("the new one logs in", SOON, || who(&s, &new).is_ok());
    }
}

#[test]
fn after_a_forced_rotation_the_new_password_is_let_in_and_no_connection_of_the_old_one_goes_on() {
    for mode in MODES {
        let (mut s, _) = scene(Cluster::builder());
        let _bouncer = pooled(&mut s, &[("pool_mode", mode)]);
        let old = value(&mut s, "shop");
        let mut open = s.cluster.connect(&old).unwrap();
        assert_eq!(ask(&mut open, "SELECT current_user"), "shop");
        run(
            &mut s.own,
            "SELECT credentials.rotate('shop', force => true)",
        );
        s.settle();
        assert!(open.simple_query("SELECT 1").is_err(), "{mode}");
        assert!(who(&s, &old).is_err(), "{mode}");
        let new = value(&mut s, "shop");
        wait_until("the new password logs in", SOON, || who(&s, &new).is_ok());
    }
}
