-- Offices to choose from: the sponsor's own, or the centre of a city's groups.
select
    '' as office,
    'The sponsor''s own' as label,
    0 as part
union all
select
    city as office,
    city as label,
    1 as part
from dim_groups
where city is not null and latitude is not null
group by city
order by part, office
