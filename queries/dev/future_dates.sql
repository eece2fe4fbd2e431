-- Every figure depends on as_of, and a date in the future would otherwise go unnoticed.
select
    format(
        'The data holds a date in the future: {}, loaded on {}. It was ignored when as_of was determined; see as_of_after_load in data_quality.',
        cast(cast(latest_at as date) as varchar),
        cast(cast(loaded_at as date) as varchar)
    ) as warning
from data_quality
cross join data_freshness
where check_name = 'as_of_after_load' and failing_count > 0
