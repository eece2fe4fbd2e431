{{ config(unique_key=['venue_id', 'version_number']) }}

with versions as (
    {{ versions_of(ref('stg_meetup__venues'), 'venue_id', ['venue_name', 'city', 'country', 'latitude', 'longitude']) }}
)

select * from versions
