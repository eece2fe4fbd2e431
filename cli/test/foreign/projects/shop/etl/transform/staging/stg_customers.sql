select id as customer_id, full_name, country as code, loyalty from {{ source('crm', 'customers') }}
