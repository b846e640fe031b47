//! What runs beside the requests: collection, every hour.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

use crate::causes::with_causes;
use crate::http::App;
use crate::service::{Service, ServiceError};

const PERIOD: Duration = Duration::from_hours(1);

/// Collects at once and then every hour, until it is dropped.
pub(crate) async fn run(app: Arc<App>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        collect(app.service()).await;
    }
}

async fn collect(service: &Service) {
    service.forget_ended();
    match service.collect_uploads().await {
        Ok(0) => {}
        Ok(ended) => info!(ended, "idle uploads were collected"),
        Err(failure) => report(&failure),
    }
    match service.collect_released().await {
        Ok(0) => {}
        Ok(freed) => info!(freed, "released blobs were freed"),
        Err(failure) => report(&failure),
    }
}

fn report(failure: &ServiceError) {
    let cause = with_causes(failure);
    error!(cause, "collection failed and is tried again in an hour");
}
