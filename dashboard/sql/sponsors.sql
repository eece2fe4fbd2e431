-- Sponsors to choose from.
select
    sponsor_id,
    sponsor_name
from dim_sponsors
order by sponsor_id
