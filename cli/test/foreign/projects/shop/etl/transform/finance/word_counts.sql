select word, count(*) as orders from {{ ref('order_words') }} group by word
