-- Coming events of candidates, soonest first, with the distance to the office: the sponsor's own, or the chosen one.
with cities as (
    select
        city,
        avg(latitude) as latitude,
        avg(longitude) as longitude
    from dim_groups
    where latitude is not null
    group by city
),

office as (
    select
        sponsors.sponsor_id,
        $latitude is not null and $longitude is not null as is_own,
        case when is_own then cast($latitude as double) else cities.latitude end as latitude,
        case when is_own then cast($longitude as double) else cities.longitude end as longitude
    from dim_sponsors as sponsors
    left join cities on cities.city = $office
    where sponsors.sponsor_id = $sponsor
)

select
    events.starts_at_local,
    groups.group_id,
    groups.group_name,
    forecasts.event_name,
    case
        when not office.is_own and coalesce(cast($office as varchar), '') = '' then groups.office_km
        else round(2 * 6371 * asin(least(1.0, sqrt(
            pow(sin(radians(groups.latitude - office.latitude) / 2), 2)
            + cos(radians(office.latitude)) * cos(radians(groups.latitude)) * pow(sin(radians(groups.longitude - office.longitude) / 2), 2)
        ))), 3)
    end as km,
    forecasts.yes_seats,
    forecasts.forecast_seats as forecast,
    forecasts.rsvp_limit,
    forecasts.will_fill,
    groups.topics
from event_forecasts as forecasts
inner join fct_events as events on forecasts.event_key = events.event_key
inner join group_scorecard as groups on forecasts.group_id = groups.group_id
inner join office on groups.sponsor_id = office.sponsor_id
where groups.is_candidate
order by forecasts.starts_at, forecasts.event_key
