-- Candidates by score. From the sponsor's own office these are the scores of the mart; from another one, distance and its points are computed again.
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
        sponsors.half_distance_km,
        sponsors.proximity_weight,
        $latitude is not null and $longitude is not null as is_own,
        coalesce(cast($office as varchar), '') <> '' as is_city,
        case when is_own then cast($latitude as double) else cities.latitude end as latitude,
        case when is_own then cast($longitude as double) else cities.longitude end as longitude
    from dim_sponsors as sponsors
    left join cities on cities.city = $office
    where sponsors.sponsor_id = $sponsor
),

placed as (
    select
        groups.*,
        office.half_distance_km,
        office.proximity_weight,
        office.is_own or office.is_city as is_elsewhere,
        case
            when not is_elsewhere then groups.office_km
            else round(2 * 6371 * asin(least(1.0, sqrt(
                pow(sin(radians(groups.latitude - office.latitude) / 2), 2)
                + cos(radians(office.latitude)) * cos(radians(groups.latitude)) * pow(sin(radians(groups.longitude - office.longitude) / 2), 2)
            ))), 3)
        end as km
    from group_scorecard as groups
    inner join office on groups.sponsor_id = office.sponsor_id
    where groups.is_candidate
),

scored as (
    select
        *,
        case
            when is_elsewhere then coalesce(proximity_weight * half_distance_km / (half_distance_km + km), 0)
            else proximity_points
        end as new_proximity_points,
        case
            when is_elsewhere then round(sponsor_score - proximity_points + new_proximity_points, 6)
            else sponsor_score
        end as score
    from placed
)

select
    row_number() over (order by score desc, sponsor_rank) as rank,
    group_id,
    group_name,
    city,
    km,
    active_members,
    events_held_12m,
    median_yes_seats_12m as seats,
    median_fill_12m as fill,
    seats_growth_12m as seats_growth,
    score,
    audience_points,
    attendance_points,
    cadence_points,
    growth_points,
    fill_points,
    new_proximity_points as proximity_points,
    topics_points,
    topics,
    latitude,
    longitude
from scored
order by rank
