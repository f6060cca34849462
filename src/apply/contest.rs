//! Applies an object where others may set its fields otherwise, by the rules of the environment.
//!
//! The plan left out what is left to others. Somebody may have written since: where a rule speaks of the object
//! nothing is taken by force unseen, and a conflict is settled with the object as it is by then.

use serde_json::Value;

use super::emptied;
use crate::{
    cluster::{Applied, ApplyOptions, Cluster, Error, ErrorKind},
    config::reconcile::Reconcile,
    plan::{Action, FIELD_MANAGER, settle_body},
};

/// How often a conflict is settled before it is an error.
const TRIES: usize = 3;

/// Applies what an action sends, or tries to.
pub(super) async fn apply(
    cluster: &dyn Cluster,
    policy: &Reconcile,
    action: &Action,
    dry_run: bool,
) -> Result<Applied, Error> {
    let target = &action.target;
    let rules = policy.rules_for(&action.id());
    let mut options = ApplyOptions {
        field_manager: FIELD_MANAGER.into(),
        force: rules.take_all(),
        dry_run,
        subresource: None,
    };
    let mut body = action.body.bytes();
    let mut live = action.live.clone();
    let mut tried = 0;
    loop {
        tried += 1;
        let error =
            match emptied::apply(cluster, target, body.clone(), &options, live.as_ref()).await {
                Err(error) if tried < TRIES && is_contested(&error) => error,
                answer => return answer,
            };
        live = cluster.get(target).await?;
        let Some(live) = &live else {
            return Err(error);
        };
        let whole = action.body.bytes();
        let Ok(mut object) = serde_json::from_slice::<Value>(&whole) else {
            return Err(error);
        };
        let settlement = settle_body(&mut object, live, &rules);
        if !settlement.is_allowed() {
            return Err(error);
        }
        options.force = settlement.takes;
        body = object.to_string().into();
    }
}

fn is_contested(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict { causes } if !causes.is_empty())
}
