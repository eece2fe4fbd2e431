-- A rejected record was there, as far as its key can be read.
with rejected as (
    {#- A series that is one event may have another start in a rejected record, so events also have a key without it. -#}
    {%- for entity, key in [
        ('groups', ['group_id']),
        ('users', ['user_id']),
        ('venues', ['venue_id']),
        ('events', ['group_id', 'created_ms', 'starts_ms']),
        ('events', ['group_id', 'created_ms']),
    ] %}
        select
            entity,
            {{ source_key(key) }} as record_key,
            _batch_seq
        from {{ ref('stg_meetup__rejected_records') }}
        where entity = '{{ entity }}' and {{ key | join(' is not null and ') }} is not null
        {{- '\n        union all' if not loop.last }}
    {%- endfor %}
),

ranked as (
    select
        rejected.entity,
        rejected.record_key,
        batches.batch_number,
        batches.gone_at,
        row_number() over (
            partition by rejected.entity, rejected.record_key
            order by batches.batch_number desc
        ) as last_rank
    from rejected
    inner join {{ ref('int_gone_after') }} as batches
        on rejected.entity = batches.entity and rejected._batch_seq = batches._batch_seq
)

select
    entity,
    record_key,
    batch_number,
    gone_at
from ranked
where last_rank = 1
