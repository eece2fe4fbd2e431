with source as (
    select * from {{ source('raw', 'venues') }}
),

renamed as (
    select
        venue_id,
        name as venue_name,
        city,
        country,
        {{ known_coordinate('lat', 'lat', 'lon') }} as latitude,
        {{ known_coordinate('lon', 'lat', 'lon') }} as longitude,
        _batch_id,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index,
        _loaded_at
    from source
)

select * from renamed
